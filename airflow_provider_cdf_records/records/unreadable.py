"""Values that a source holds and that no JSON value stands for."""

from __future__ import annotations


class Unreadable:
    """A value of a source that would change its meaning in any form. Rows whose record needs it are rejected.

    :param reason: why it cannot be taken.
    :param raw: what the source holds; as text it is what the rejected-records file shows.
    """

    __slots__ = ("raw", "reason")

    def __init__(self, reason: str, raw: object) -> None:
        self.reason = reason
        self.raw = raw

    def __str__(self) -> str:
        raw = self.raw
        return raw.decode(errors="backslashreplace") if isinstance(raw, bytes) else str(raw)

    def __repr__(self) -> str:
        return f"an unreadable value ({self.reason})"


class UnreadableRow:
    """A row of a source that could not be read.

    :param reason: why.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason
