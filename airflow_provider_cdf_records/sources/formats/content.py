"""Guesses from the first bytes of a file what it is, for a message that says how to read it."""

from __future__ import annotations

import codecs
import json

BINARY = {  # by what a file begins with: the name of a format, and what it is called
    b"PAR1": ("parquet", "Parquet"),
    b"ARROW1": ("arrow", "an Arrow file"),
}
NOT_READ = {  # what no format here reads
    b"\xd0\xcf\x11\xe0": "an old document of an office program, such as Excel; save its table as CSV",
    b"SQLite format 3\x00": "a SQLite database; load a query on it instead",
    b"Obj\x01": "Avro, which is not read; write Parquet",
    b"ORC": "ORC, which is not read; write Parquet",
    b"%PDF": "a PDF document",
    b"\xfd7zXZ": "xz data; compress it by gzip instead",
    b"7z\xbc\xaf": "a 7-Zip archive; write a zip archive",
}
TAR_AT = 257
TAR = b"ustar"
DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 10  # lines
BEGINNING = 64  # bytes, among which all of these have a null byte


def describe_other(start: bytes, format_name: str, *, is_text: bool) -> str:
    """Return a sentence on what a file looks like that is not of the format that its name says; else nothing.

    :param is_text: whether that is a format of text, where a name such as PAR1 may well come first.
    """
    if is_text and (b"\x00" not in start[:BEGINNING] or _is_marked(start)):
        return ""
    found = _describe_magic(start) if is_text else describe_content(start)
    return "" if repr(format_name) in found else found


def describe_content(start: bytes) -> str:
    """Return a sentence on what the content of a file looks like; empty where that is not known."""
    if known := _describe_magic(start):
        return known
    text = _text(start)
    if text is None:
        return ""
    return _describe_text(text.lstrip("\ufeff"))


def _describe_magic(start: bytes) -> str:
    for magic, (name, what) in BINARY.items():
        if start.startswith(magic):
            return f"Its content looks like {what}: set file_format={name!r}."
    for magic, what in NOT_READ.items():
        if start.startswith(magic):
            return f"Its content looks like {what}."
    if start[TAR_AT:].startswith(TAR):
        return "Its content looks like a tar archive; unpack it, or write a zip archive."
    return ""


def _is_marked(start: bytes) -> bool:
    """Whether content begins with a byte order mark of UTF-16."""
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _text(start: bytes) -> str | None:
    text = start.decode("utf-16" if _is_marked(start) else "utf-8", errors="replace")
    return None if "\x00" in text else text


def _describe_text(text: str) -> str:
    first = text.lstrip()[:1]
    if known := json_format_of(text):
        what = "a JSON array" if first == "[" else "a JSON object"
        what += " a line" if known == "ndjson" else ""
        return f"Its content looks like {what}: set file_format={known!r}."
    if first == "<":
        return "Its content looks like XML or HTML, such as the page of a login."
    return _describe_table(text)


def json_format_of(text: str) -> str | None:
    """Return the format of JSON by the first characters of a file; ``None`` for anything else."""
    text = text.lstrip()
    if not text.startswith(("[", "{")):
        return None
    return "ndjson" if text.startswith("{") and _is_json(text.splitlines()[0]) else "json"


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _describe_table(text: str) -> str:
    lines = [line for line in text.splitlines()[: LOOKED_AT + 1] if line.strip()]
    whole = lines[:-1] or lines  # the last one may be cut
    counts = {delimiter: [line.count(delimiter) for line in whole] for delimiter in DELIMITERS}
    found = {delimiter: least for delimiter, count in counts.items() if (least := min(count, default=0))}
    if not found:
        return ""
    delimiter = max(found, key=lambda name: (len(set(counts[name])) == 1, found[name]))
    if delimiter == ",":
        return "Its content looks like CSV: set file_format='csv'."
    if delimiter == "\t":
        return "Its content looks like columns between tabs: set file_format='tsv'."
    return (
        f"Its content looks like CSV with {delimiter!r}: set file_format='csv' and "
        f"file_options={{'delimiter': {delimiter!r}}}."
    )
