"""Finds the encoding of a text file from its first bytes."""

from __future__ import annotations

import codecs

BYTE_ORDER_MARKS = (  # the longer ones first, as they begin alike
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UTF8 = "utf-8"
WESTERN = "cp1252"  # what Windows writes in most of Europe and America
LIKE_WESTERN = frozenset(
    {"cp1250", "cp1252", "cp1254", "cp1257", "latin_1", "iso8859_1", "iso8859_9", "iso8859_15", "mac_roman"}
    | {"cp437", "cp850", "cp858", "hp_roman8", "mac_iceland", "mac_turkish", "iso8859_2", "iso8859_16"}
)
BY_GUESS = 20_000  # bytes that a guess looks at
MOSTLY = 0.3  # share of null bytes in UTF-16 of Latin letters, at least


def encoding_of(start: bytes, *, is_all: bool) -> str:
    """Return the encoding of a text file.

    :param start: its first bytes.
    :param is_all: whether there are no more; otherwise the last character may be cut.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return name
    if start.count(0) > MOSTLY * len(start):
        return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    try:
        codecs.getincrementaldecoder(UTF8)().decode(start, final=is_all)
    except UnicodeDecodeError:
        return UTF8 if _is_damaged_utf8(start) else _guessed(start)
    return UTF8


def _is_damaged_utf8(start: bytes) -> bool:
    """Whether most of what is not ASCII is UTF-8; rows with the rest are rejected."""
    text = start.decode(UTF8, errors="replace")
    bad = text.count("\ufffd")
    return sum(not character.isascii() for character in text) > 2 * bad


def _guessed(start: bytes) -> str:
    """Return the encoding that ``charset_normalizer`` finds, if it is not one that is close to cp1252."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 (only such files need it)

    lines = [line for line in start.splitlines() if not line.isascii()]
    found = from_bytes(b"\n".join(lines)[:BY_GUESS])
    best = found.best()
    name = WESTERN if best is None or best.encoding in LIKE_WESTERN else best.encoding
    if name.startswith("mac_"):  # Windows is likelier, where both are possible
        windows = [one.encoding for one in found if one.encoding.startswith("cp125")]
        name = next((one for one in windows if one not in LIKE_WESTERN), name)
    for candidate in (name, WESTERN, "latin-1"):
        try:
            start.decode(candidate)
        except UnicodeDecodeError:
            continue
        return candidate
    return "latin-1"
