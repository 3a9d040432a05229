"""Counts distinct identities in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from airflow_provider_cdf_records.records.chunk import Identity

MAX_COUNTED = 50_000  # about 4 MB of memory


class IdentityCount:
    """The number of distinct identities, as long as there are at most ``MAX_COUNTED``.

    :param is_known: ``False`` where identities were stored that this object has not seen.
    """

    def __init__(self, *, is_known: bool = True) -> None:
        self._is_known = is_known
        self._hashes: set[int] | None = set()  # of 64 bits: none stands for two

    def add(self, identities: Iterable[Identity]) -> None:
        """Count identities, unless there were too many already."""
        if self._hashes is None:
            return
        self._hashes.update(map(hash, identities))
        if len(self._hashes) > MAX_COUNTED:
            self._hashes = None

    def first_new(self, identities: Iterable[Identity], most: int) -> list[Identity]:
        """Return some identities that are not counted yet; none where there were too many to tell."""
        hashes = self._hashes
        if hashes is None:
            return []
        return list(islice((one for one in identities if hash(one) not in hashes), most))

    @property
    def value(self) -> int | None:
        """The number; ``None`` where it is not known."""
        return len(self._hashes) if self._is_known and self._hashes is not None else None
