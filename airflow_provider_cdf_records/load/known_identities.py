"""The identities that a load knows to be in a stream."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from airflow_provider_cdf_records.records.chunk import Identity

BITS = 26  # 8 MB of memory
MASK = (1 << BITS) - 1


class KnownIdentities:
    """Remembers identities in a fixed amount of memory. Shared by all threads of a load.

    It is a Bloom filter: it forgets none, and takes some for known that are not: one in a thousand once it
    holds a million, one in fifty once it holds five million, which is as many as a mutable stream takes.
    """

    def __init__(self) -> None:
        self._bits = bytearray(1 << (BITS - 3))
        self._lock = threading.Lock()

    def add(self, identities: Iterable[Identity]) -> None:
        """Remember identities."""
        bits = self._bits
        with self._lock:
            for code in map(hash, identities):
                other = code >> BITS
                bits[(code & MASK) >> 3] |= 1 << (code & 7)
                bits[(other & MASK) >> 3] |= 1 << (other & 7)

    def __contains__(self, identity: Identity) -> bool:
        code = hash(identity)
        other = code >> BITS
        return bool(
            self._bits[(code & MASK) >> 3] & 1 << (code & 7)
            and self._bits[(other & MASK) >> 3] & 1 << (other & 7)
        )
