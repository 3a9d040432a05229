"""Rows of CSV files that cannot be read: each is refused with its lines, and what comes after it is read."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.chunk import Chunk, Refusal
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.rejected import rejection_of
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats.csv import CSV
from airflow_provider_cdf_records.sources.formats.csv_lines import BYTES_READ, LONGEST_LINE
from airflow_provider_cdf_records.sources.formats.csv_rows import MOST_LINES
from tests.sources.reading import most_memory, rows_in, rows_of
from tests.sources.writing import write as written

FAR = [
    0,
    1,
    999,
    1000,
    1001,
    20_000,
]  # good rows before the bad one: within a chunk, at its end, in other blocks


class Read:
    """What a file holds: the values of its rows, and what is refused, by position."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.chunks = list(FileSource(path, file_options=options))
        self.rows = {at: list(row.values()) for chunk in self.chunks for at, row in rows_in(chunk)}
        self.refused = {refusal.position: refusal for chunk in self.chunks for refusal in chunk.refusals}
        positions = sorted([*self.rows, *self.refused])
        assert positions == list(range(1, len(positions) + 1)), "each row has a position of its own"
        ends = [chunk.end.position for chunk in self.chunks]
        assert ends == sorted(set(ends))
        assert not ends or ends[-1] == len(positions)

    def messages(self) -> dict[int, str]:
        return {at: refusal.message for at, refusal in self.refused.items()}

    def texts_of_all(self) -> list[str]:
        """Return every refused row as the rejected-records file has it."""
        return [str(as_mapping(refusal.row) or repr(refusal.row)) for refusal in self.refused.values()]

    def texts(self) -> dict[int, str]:
        return {at: text_of(refusal) for at, refusal in self.refused.items()}


def text_of(refusal: Refusal) -> str:
    """Return the row as the rejected-records file has it."""
    record = rejection_of("here", refusal.position, refusal.row, refusal.message).record
    assert isinstance(record, str)
    return record


# Quotes


@pytest.mark.parametrize("before", FAR)
@pytest.mark.parametrize("bad", ['"x"y,1', '1,"x"y', '"x" ,1', '1,"12" pipe"'])
def test_a_stray_quote_refuses_its_row_alone(path: Path, before: int, bad: str) -> None:
    good = "1,x\n" * before
    found = Read(written(path, f"a,b\n{good}{bad}\n3,z\n{good}"))
    assert found.texts() == {before + 1: bad}
    line = before + 2
    assert found.messages() == {
        before
        + 1: f"is not CSV: ',' expected after '\"'. Is a quote left open, or not doubled? (line {line:,})"
    }
    assert found.rows[before + 2] == ["3", "z"]
    assert len(found.rows) == 2 * before + 1


@pytest.mark.parametrize("before", FAR)
@pytest.mark.parametrize("after", ["", "3,z\n", '3,"z"\n', '3,z\n4,"zz"\n' * 500, "3,z\n" * 50_000])
def test_a_quote_that_is_never_closed_refuses_its_row_alone(path: Path, before: int, after: str) -> None:
    found = Read(written(path, "a,b\n" + "1,x\n" * before + f'2,"open\n{after}'))
    assert found.texts() == {before + 1: '2,"open'}
    assert f"(line {before + 2:,})" in found.messages()[before + 1]
    assert len(found.rows) == before + len(after.splitlines())


def test_a_quote_that_the_quote_of_a_later_row_closes_refuses_both_alone(path: Path) -> None:
    found = Read(written(path, 'a,b\n1,"x\n2,y\n3,z\n4,",5\n6,7\n'))
    assert found.rows == {2: ["2", "y"], 3: ["3", "z"], 5: ["6", "7"]}
    assert found.texts() == {1: '1,"x', 4: '4,",5'}
    assert set(found.messages().values()) == {
        "has a quote that is not closed (line 2)",
        "has a quote that is not closed (line 5)",
    }


def test_many_quotes_that_are_left_open_each_refuse_their_row_alone(path: Path) -> None:
    lines = [f'{number},"x' if number % 7 == 0 else f"{number},x" for number in range(1, 5001)]
    found = Read(written(path, "a,b\n" + "\n".join(lines)))
    assert len(found.rows) + len(found.refused) == 5000
    assert {int(row[0]) for row in found.rows.values()} == {n for n in range(1, 5001) if n % 7}


def test_values_of_many_lines_are_read(path: Path) -> None:
    value = "\n".join(['line, with ""quotes""', ""] * (MOST_LINES // 2 - 10))
    found = Read(written(path, f'a,b\n1,"{value}"\n2,y\n'))
    assert found.rows == {1: ["1", value.replace('""', '"')], 2: ["2", "y"]}


def test_a_value_of_too_many_lines_is_taken_for_a_quote_left_open(path: Path) -> None:
    found = Read(written(path, 'a,b\n1,"open\n' + "2,y\n" * (2 * MOST_LINES)))
    assert found.texts() == {1: '1,"open'}
    assert "not closed within 100,000 lines" in found.messages()[1]
    assert len(found.rows) == 2 * MOST_LINES


def test_lines_of_a_value_that_cannot_be_read_are_not_taken_for_rows(path: Path) -> None:
    found = Read(written(path, 'a,b\n1,"first line\nsaid "no" to it",2\nx,"y\nz"\n'))
    assert found.rows == {3: ["x", "y\nz"]}
    assert found.texts() == {1: '1,"first line', 2: 'said "no" to it",2'}
    assert (
        found.messages()[2] == "seems to belong to the row that begins on line 2 and cannot be read (line 3)"
    )


def test_a_row_of_several_lines_that_does_not_fit_is_refused_as_one(path: Path) -> None:
    found = Read(written(path, 'a,b,c\n1,"two\nlines"\n3,4,5\n'))
    assert found.rows == {2: ["3", "4", "5"]}
    assert found.messages() == {1: "must have 3 values, as the header has, got 2 (lines 2 to 3)"}


def test_a_broken_row_shows_its_long_delimiters(path: Path) -> None:
    found = Read(written(path, 'a||b\n1||"x"y\n'), delimiter="||")
    assert found.texts() == {1: '1||"x"y'}
    assert "'||' expected" in found.messages()[1]


def test_an_escape_at_the_end_is_refused(path: Path) -> None:
    assert Read(written(path, "a,b\n1,x\n2,y\\"), escapechar="\\").texts() == {2: "2,y\\"}


# Bytes


@pytest.mark.parametrize("before", FAR)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_byte_of_another_encoding_refuses_exactly_its_row(path: Path, before: int, ending: str) -> None:
    lines = ["a,b", *["1,ä"] * before, "2,BAD", *["3,ö"] * before]
    content = ending.join(lines).encode().replace(b"BAD", b"sn\xf6 \\\xff")
    found = Read(written(path, content))
    assert found.texts() == {before + 1: r"2,sn\xf6 \\xff"}
    assert found.messages()[before + 1] == (
        "has the byte 0xf6 in column 'b', which is not utf-8; set the right one in "
        f"file_options={{'encoding': ...}}, or see encoding_errors (line {before + 2:,})"
    )
    assert len(found.rows) == 2 * before


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("ascii", b"\x80"),
        ("cp1252", b"\x81"),
        ("shift_jis", b"\x81\xff"),
        ("gb18030", b"\x80"),
        ("euc_kr", b"\xff"),
        ("utf-16-le", b"\x00\xd8"),
        ("utf-16-be", b"\xdc\x00"),
        ("utf-32-le", b"\xff\xff\xff\xff"),
        ("utf-8-sig", b"\xff"),
    ],
)
def test_a_byte_that_no_character_has_is_refused_in_any_encoding(
    path: Path, encoding: str, bad: bytes
) -> None:
    start, end = ("a,b\n1,x\n2,".encode(encoding), "\n3,z\n".encode(encoding.removesuffix("-sig")))
    found = Read(written(path, start + bad + end), encoding=encoding)
    assert found.rows == {1: ["1", "x"], 3: ["3", "z"]}
    assert found.texts() == {2: "2," + "".join(f"\\x{byte:02x}" for byte in bad)}


def test_a_character_that_is_cut_at_the_end_of_the_file_is_refused(path: Path) -> None:
    assert Read(written(path, "a,b\n1,x\n2,ö".encode()[:-1])).texts() == {2: r"2,\xc3"}


def test_characters_are_whole_wherever_the_file_is_read_in_pieces(path: Path) -> None:
    text = "a,b\n" + "1,ö€𝄞\r\n" * 12_000
    for shift in range(12):
        found = Read(written(path, "x" * shift + text))
        assert not found.refused
        assert all(row == ["1", "ö€𝄞"] for row in found.rows.values())


def test_a_line_end_is_whole_wherever_the_file_is_read_in_pieces(path: Path) -> None:
    lead = "a,b\r\n"
    for shift in range(-3, 3):
        value = "x" * (BYTES_READ - len(lead) - len("1,") + shift)
        found = Read(written(path, f'{lead}1,{value}\r\n2,"y\r\nz"\r\n3\r\n'))
        assert found.rows == {1: ["1", value], 2: ["2", "y\r\nz"]}
        assert found.messages() == {3: "must have 2 values, as the header has, got 1 (line 5)"}


def test_a_null_byte_refuses_its_row_alone(path: Path) -> None:
    found = Read(written(path, "a,b\n1,x\0y\n2,y\n\0\0\0"))
    assert found.rows == {2: ["2", "y"]}
    assert found.messages() == {1: "holds a null byte (line 2)", 3: "holds a null byte (line 4)"}


# Sizes


def test_a_value_that_is_too_long_refuses_its_row_alone(path: Path) -> None:
    found = Read(written(path, f"a,b\n1,x\n2,{'y' * 12_000_000}\n3,z\n"))
    assert found.rows == {1: ["1", "x"], 3: ["3", "z"]}
    assert found.messages() == {2: "has a value of more than 10,000,000 characters (line 3)"}
    assert found.texts()[2].startswith("2,yyyy")
    assert len(found.texts()[2]) < 200_000


class Endless(io.RawIOBase):
    """A file of a header, a row, a line of many bytes, and a row."""

    def __init__(self, size: int) -> None:
        self._parts = self._all(size)
        self._rest = b""

    def _all(self, size: int) -> Iterator[bytes]:
        yield b"a,b\n1,x\n2,"
        for _ in range(size >> 20):
            yield b"y" * (1 << 20)
        yield b"\n3,z\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._rest or next(self._parts, b"")
        size = min(len(data), len(buffer))
        buffer[:size], self._rest = data[:size], data[size:]
        return size


def test_a_line_without_end_is_not_held() -> None:
    chunks: list[Chunk] = []
    endless = io.BufferedReader(Endless(20 * LONGEST_LINE))
    peak = most_memory(lambda: chunks.extend(CSV.read(endless, CSV.options_of({}))))
    assert [row for chunk in chunks for row in chunk.rows] == [["1", "x"], ["3", "z"]]
    [refused] = [refused for chunk in chunks for refused in chunk.refusals]
    assert refused.message == "is on a line of more than 16,777,216 characters (line 3)"
    assert peak < 6 * LONGEST_LINE


def test_a_long_line_ends_a_row_that_is_open(path: Path) -> None:
    found = Read(written(path, f'a,b\n1,"x\n{"y" * (LONGEST_LINE + BYTES_READ)}\n3,z\n4,"w\n"'))
    assert found.rows == {3: ["3", "z"], 4: ["4", "w\n"]}


# Surplus values and blank rows


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x,\n2,y,,,\n",
        "a,b\n1,x\n2,y,,,\n",
        "a,b\n1,x, \n2,y,NULL\n",
    ],
)
def test_surplus_values_that_are_empty_are_cut(path: Path, content: str) -> None:
    found = Read(written(path, content), null_values=["", "NULL"])
    assert found.rows == {1: ["1", "x"], 2: ["2", "y"]}


def test_columns_without_a_name_at_the_end_need_no_values(path: Path) -> None:
    assert Read(written(path, "a,b,,\n1,x\n2,y,\n3,z,,\n")).rows == {
        1: ["1", "x", None, None],
        2: ["2", "y", None, None],
        3: ["3", "z", None, None],
    }


def test_a_surplus_value_refuses_its_row(path: Path) -> None:
    found = Read(written(path, "a,b\n1,x,\n2,y,,z\n\n4,w\n"))
    assert found.messages() == {2: "must have 2 values, as the header has, got 4 (line 3)"}
    [refused] = found.refused.values()
    assert as_mapping(refused.row) == {"a": "2", "b": "y", "values without a column": ["", "z"]}


@pytest.mark.parametrize("blank", ["", ",", ",,,", '"",""', "  ", '""'])
@pytest.mark.parametrize("rest", ["2,y\n", "2\n", '2,"\n'])
def test_blank_rows_are_not_counted(path: Path, blank: str, rest: str) -> None:
    found = Read(written(path, f"a,b\n{blank}\n1,x\n{blank}\n{blank}\n{rest}"))
    assert found.rows[1] == ["1", "x"]
    assert [*found.rows, *found.refused] == [1, 2]


def test_a_row_of_empty_texts_is_a_row_where_they_are_values(path: Path) -> None:
    assert Read(written(path, "a,b\n,\n1,x\n\n"), null_values=["-"]).rows == {1: ["", ""], 2: ["1", "x"]}


# All together


LINES = st.sampled_from(
    [
        "1,x",
        '2,"y"',
        '3,"z',
        '4,z"',
        '"5"x,1',
        "",
        ",",
        "6",
        "7,8,9",
        '"a\nb",c',
        "8,\xff",
        "9,\0",
        '"',
        '""',
        '"""',
    ]
)


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(LINES, max_size=30), last=st.sampled_from(["", "\n"]))
def test_of_any_damaged_file_each_row_is_read_or_refused_the_same_way_each_time(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], last: str
) -> None:
    content = "a,b\n" + "\n".join(lines) + last
    path = written(tmp_path_factory.mktemp("csv") / "a.csv", content.encode("latin-1"))
    found = Read(path)
    assert Read(path).messages() == found.messages()
    shown = "\n".join([*found.texts_of_all(), *(f"{row}" for row in found.rows.values())])
    for line in lines:
        for word in line.replace('"', "\n").replace(",", "\n").split():
            if word.isalnum() and word.isascii():
                assert word in shown


def test_what_a_damaged_archive_holds_is_delivered_first(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    content = gzip.compress(("a,b\n" + "".join(f'{n},"x\n{n * n}"\n' for n in range(100_000))).encode())
    path.write_bytes(content[: len(content) // 2])
    chunks = []
    with pytest.raises(SourceError, match="is cut short"):
        chunks.extend(iter(FileSource(path)))
    rows = [row for chunk in chunks for row in chunk.rows]
    assert rows == [[str(n), f"x\n{n * n}"] for n in range(len(rows))]
    assert len(rows) > 10_000
    assert not any(chunk.refusals for chunk in chunks)


def test_refused_rows_are_the_same_after_any_mark(path: Path) -> None:
    lines = [f'{n},"x' if n % 500 == 0 else f"{n},x" if n % 300 else "" for n in range(1, 4000)]
    written(path, "a,b\n" + "\n".join(lines))
    whole = Read(path)
    for chunk in whole.chunks:
        source = FileSource(path)
        source.resume_after(chunk.end)
        rest = list(source)
        assert [row for part in rest for row in rows_in(part)] == [
            row for row in rows_of(FileSource(path)) if row[0] > chunk.end.position
        ]
        assert [refusal.position for part in rest for refusal in part.refusals] == [
            at for at in sorted(whole.refused) if at > chunk.end.position
        ]
