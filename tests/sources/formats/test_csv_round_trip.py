"""What Python's ``csv`` writes with any of the options comes back as it was."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.sources import FileSource
from tests.sources.reading import rows_in

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "cp1252", "shift_jis", "gb18030"]
DELIMITERS = [",", ";", "\t", "|", " ", "||", "~|~", "€"]
QUOTES = ['"', "'", None]
LINE_ENDS = ["\n", "\r\n", "\r"]
COMMENTS = [None, "#", "--"]
SPECIAL = "\"',;|~ \\\t\n\r#-€äø語\x0b\x0c\x1c\x85\u2028a1"


class Written:
    """A file as a csv writer writes it, and the options to read it.

    :param rows: the first one is the header.
    """

    def __init__(self, draw: Any) -> None:
        self.encoding = draw(st.sampled_from(ENCODINGS))
        delimiter = draw(st.sampled_from(DELIMITERS))
        quotechar = draw(st.sampled_from(QUOTES))
        escapechar = draw(st.sampled_from([None, "\\"])) if quotechar else "\\"
        line_end = draw(st.sampled_from(LINE_ENDS))
        comment = draw(st.sampled_from(COMMENTS))
        preamble = draw(st.lists(st.sampled_from(["A report", '"', "", "a;b,c", "'x"]), max_size=3))
        footer = draw(st.integers(0, 3))
        quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])) if quotechar else csv.QUOTE_NONE
        # Before Python 3.13, a writer does not quote line ends that are not its own.
        may_hold_line_ends = quoting == csv.QUOTE_ALL or (quotechar and line_end == "\r\n")
        alphabet = SPECIAL if may_hold_line_ends else SPECIAL.replace("\n", "").replace("\r", "")
        width = draw(st.integers(1, 4))
        row = st.lists(st.text(st.sampled_from(alphabet), max_size=6), min_size=width, max_size=width)
        self.rows = draw(st.lists(row.filter(any), max_size=8))
        self.options: dict[str, Any] = {
            "encoding": self.encoding,
            "delimiter": delimiter,
            "quotechar": quotechar,
            "escapechar": escapechar,
            "comment": comment,
            "skip_rows": len(preamble),
            "skip_footer": footer,
            "null_values": [],
        }
        self.header = [f"n{number}" for number in range(width)]
        text = io.StringIO(newline="")
        writer = csv.writer(
            text,
            delimiter=delimiter if len(delimiter) == 1 else "\x1f",
            quotechar=quotechar,
            quoting=quoting,
            escapechar=escapechar,
            doublequote=draw(st.booleans()) if escapechar else True,
            lineterminator=line_end,
        )
        writer.writerow(self.header)
        for number, values in enumerate(self.rows):
            at = text.tell()
            writer.writerow(values)
            if comment:
                assume(not text.getvalue()[at:].startswith(comment))
                if number % 2:
                    text.write(f"{comment} a 'comment\" {line_end}")
        body = text.getvalue().replace("\x1f", delimiter)
        if len(delimiter) > 1:
            # A writer of such files quotes what holds the delimiter, also where two of them make it.
            assume(not any(part in value for values in self.rows for value in values for part in "|~"))
        rest = "".join(f"footer {number}{line_end}" for number in range(footer))
        self.text = "".join(f"{line}{line_end}" for line in preamble) + body + rest


@st.composite
def written_files(draw: Any) -> tuple[bytes, dict[str, Any], list[list[str]]]:
    file = Written(draw)
    try:
        content = file.text.encode(file.encoding)
        assume(content.decode(file.encoding) == file.text)
    except UnicodeError:
        assume(False)
    expected = [dict(zip(file.header, values, strict=True)) for values in file.rows]
    return content, file.options, expected


@settings(max_examples=300, deadline=None)
@given(file=written_files())
def test_what_a_csv_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[bytes, dict[str, Any], list[Any]]
) -> None:
    content, options, expected = file
    path = tmp_path_factory.getbasetemp() / "round-trip.csv"
    path.write_bytes(content)
    chunks = list(FileSource(path, file_options=options))
    assert [refusal for chunk in chunks for refusal in chunk.refusals] == []
    assert [row for chunk in chunks for _, row in rows_in(chunk)] == expected


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)] * 3),
        max_size=5,
    )
)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.getbasetemp() / "texts.csv"
    path.write_bytes(text.getvalue().encode())
    read = [tuple(row.values()) for chunk in FileSource(path) for _, row in rows_in(chunk)]
    assert read == rows
