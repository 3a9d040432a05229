"""The lines of a file of text, decoded a block at a time; damage is marked, and never ends the reading."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from airflow_provider_cdf_records.sources.formats.csv_escapes import Escapes
from airflow_provider_cdf_records.sources.source import FormatError

BYTES_READ = 1 << 17  # at a time
LONGEST_LINE = 1 << 24  # characters; a longer line is cut
LONGEST_SHOWN = 100_000  # characters of a damaged row that are kept
MARK_BYTES = "cdf_records.mark_bytes"  # the error handler below
BYTE_MARKS = 0xDC00  # plus a byte: half a surrogate pair, which no encoding has
MARKED_BYTE = re.compile("[\udc00-\udcff]")
UNCLEAN = re.compile("[\udc00-\udcff\0]")
LINE_END = re.compile("\r\n|\r|\n")
UTF_8 = ("utf-8", "utf-8-sig")
BYTE_ORDER_MARKS = (  # those of UTF-32 begin as those of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WITH_BYTE_ORDER_MARK = ("utf-16", "utf-32")  # encodings that need one
LOOKED_AT = 64  # bytes


DELIMITER_MARK = "\ud800"  # stands for a delimiter of several characters, as the csv module takes but one


class CutLine(str):
    """The beginning of a line that is too long to be held."""

    __slots__ = ()


class Block(NamedTuple):
    """Lines that follow each other, with their ends.

    :param size: their characters.
    :param is_clean: whether all bytes are of the encoding, no character is null, no letter is escaped, no
        line was cut, and none begins as a comment does.
    :param is_beyond: whether the lines are after the end of the slice that is read.
    """

    lines: list[str]
    size: int
    is_clean: bool
    is_beyond: bool = False


def start_of_text(file: io.BufferedReader, encoding: str) -> str:
    """Skip a byte order mark, and return the encoding that it stands for, or the one given.

    :raises FormatError: when the first bytes show that the encoding is another one.
    """
    name = codecs.lookup(encoding).name
    start = file.peek(LOOKED_AT)[:LOOKED_AT]
    mark, found = next(((mark, of) for mark, of in BYTE_ORDER_MARKS if start.startswith(mark)), (b"", None))
    if name == "utf-16-le" and found == "utf-32-le":  # the mark of UTF-16, and a null character
        mark, found = codecs.BOM_UTF16_LE, "utf-16-le"
    if found is not None and (found == name or found.startswith(name) or name in UTF_8):
        file.read(len(mark))
        return found
    if found == "utf-8" or (found is not None and b"\0" in start):
        msg = f"begins with the byte order mark of {found}, but is read as {name}; leave encoding out."
        raise FormatError(msg)
    if name in WITH_BYTE_ORDER_MARK:
        msg = f"is not {name}: it has no byte order mark; if it is {name} without one, set encoding to "
        msg += f"'{name}-le' (or '{name}-be')."
        raise FormatError(msg)
    if name in UTF_8 and (other := _utf_16_in(start)):
        msg = f"is not utf-8: it looks like {other}; set file_options={{'encoding': {other!r}}}."
        raise FormatError(msg)
    return encoding


def _utf_16_in(start: bytes) -> str | None:
    """Return the encoding of bytes every second of which is null."""
    pairs = len(start) // 2
    if pairs < 2:  # noqa: PLR2004
        return None
    even, odd = start[: 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if odd * 2 > pairs and not even:
        return "utf-16-le"
    return "utf-16-be" if even * 2 > pairs and not odd else None


def byte_in(mark: str) -> int:
    """Return the byte that a mark stands for."""
    return ord(mark) - BYTE_MARKS


def shown(text: str) -> str:
    """Return text of a file with its marked bytes as ``\\xe9``."""
    return MARKED_BYTE.sub(lambda mark: f"\\x{byte_in(mark[0]):02x}", text)


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(BYTE_MARKS + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(MARK_BYTES, _mark_bytes)


def _begins_a_line(start: str, text: str) -> bool:
    return text.startswith(start) or f"\n{start}" in text or f"\r{start}" in text


class _Decoder:
    """Decodes bytes as they come.

    :param errors: an error handler, or ``reject``: bytes that are not of the encoding are marked.
    """

    def __init__(self, encoding: str, errors: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)("strict" if errors == "reject" else errors)

    def decode(self, data: bytes) -> tuple[str, bool]:
        """Return text, and whether no byte of it was marked.

        :param data: the next bytes; none at the end.
        """
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(data, not data), True
        except UnicodeDecodeError:
            self._decoder.setstate(state)
        self._decoder.errors = MARK_BYTES
        try:
            return self._decoder.decode(data, not data), False
        finally:
            self._decoder.errors = "strict"


def blocks_of_lines(
    file: io.BufferedReader,
    encoding: str,
    errors: str,
    *,
    comment: str | None = None,
    long_delimiter: str | None = None,
    escapes: Escapes | None = None,
) -> Iterator[Block]:
    """Yield all lines of a file, which end with LF, CR LF or CR.

    Of a line that is longer than ``LONGEST_LINE``, only the beginning is held.

    :param errors: an error handler, or ``reject``.
    :param comment: what comment lines begin with.
    :param long_delimiter: a text in whose place ``DELIMITER_MARK`` is put.
    :param escapes: those of the file, if it has any.
    """
    decoder = _Decoder(encoding, errors)
    pieces: list[str] = []  # of a line that has not ended yet
    held = 0  # characters in them
    cut: CutLine | None = None  # that has not ended yet
    carriage_return = ""  # at the end of what was read: a line feed may follow
    is_clean = True
    while True:
        data = file.read(BYTES_READ)
        text, is_decoded = decoder.decode(data)
        is_clean = is_clean and is_decoded and "\0" not in text
        if carriage_return:
            text, carriage_return = carriage_return + text, ""
        if data and text.endswith("\r"):
            text, carriage_return = text[:-1], "\r"
        lines: list[str] = []
        whole = ""
        if cut is not None:
            found = LINE_END.search(text)
            text = text[found.end() :] if found else ""
            if found or not data:
                lines, cut, is_clean = [cut], None, False
        end = max(text.rfind("\n"), text.rfind("\r")) + 1 if data else len(text)
        if end or not data:
            whole = "".join((*pieces, text[:end]))
            is_clean = is_clean and not (comment and _begins_a_line(comment, whole))
            if escapes:
                whole = escapes.keep_nulls(whole)
                is_clean = is_clean and escapes.letter_in(whole) is None
            if long_delimiter:
                whole = whole.replace(long_delimiter, DELIMITER_MARK)
            lines += io.StringIO(whole, newline="")
            pieces, held = [], 0
        if end < len(text):
            pieces.append(text[end:])
            held += len(pieces[-1])
        if held > LONGEST_LINE:
            cut = CutLine("".join(pieces)[:LONGEST_SHOWN])
            pieces, held = [], 0
        if lines:
            yield Block(lines, len(whole), is_clean)
            is_clean = not any(map(UNCLEAN.search, pieces))
        if not data:
            return


def without_lines(blocks: Iterator[Block], skipped: int | Sequence[int]) -> Iterator[Block]:
    """Yield blocks with blank lines in the place of some, so that the others keep their numbers.

    :param skipped: how many lines at the start, or the numbers of the lines.
    """
    last = skipped if isinstance(skipped, int) else max(skipped, default=0)
    before = 0
    for block in blocks:
        lines = block.lines
        if before < last:
            if isinstance(skipped, int):
                count = min(skipped - before, len(lines))
                lines[:count] = ["\n"] * count
            else:
                for number in skipped:
                    if before < number <= before + len(lines):
                        lines[number - before - 1] = "\n"
        before += len(lines)
        yield block
