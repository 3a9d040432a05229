"""How delimited text is recognized."""

from __future__ import annotations

import csv
import io
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.commands.dialects import dialect_of
from airflow_provider_cdf_records.commands.encodings import encoding_of
from airflow_provider_cdf_records.commands.moments import Moments

ROWS = "x,y;z\n1,5;2\n2,5;3\n3,5;4\n"


def options_of(text: str, default: str = ",", **given: object) -> dict[str, object]:
    return dialect_of(text, is_all=True, default=default, given=given).options


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\n1,2\n3,4\n", {}),
        ("a;b\n1,5;2,5\n3,5;4,5\n", {"delimiter": ";"}),
        ("a\tb\nx\ty\n", {"delimiter": "\t"}),
        ("a||b\nx||y\nz||\n", {"delimiter": "||"}),
        ("a\nx\ny\n", {}),
        ("a,b\n'x,1','y'\n'z,1','w'\n", {"quotechar": "'"}),
        ('a,b\n"x\\"1",y\nz,w\n', {"escapechar": "\\"}),
        ('a, b\n"x", "y, z"\n"u", "v"\n', {"skip_initial_space": True}),
        ("Report\nof May\na,b,c\n1,2,x\n3,4,y\n", {"skip_rows": 2}),
        ("Report,,\nof May,,\n,,\na,b,c\n1,2,x\n3,4,y\n", {"skip_rows": 3}),
        ("Report,,,,\na,b,c,,\n1,2,x,,\n3,4,y,,\n", {"skip_rows": 1}),
        ("id,,\n1,2,x\n3,4,y\n", {}),
        ("a,b\n1,x\n2,y\n(2 rows)\n", {"skip_footer": 1}),
        ("# made by me\na,b\n1,x\n2,y\n", {"comment": "#"}),
        ("#a,b\n1,x\n2,y\n", {}),
        ("a,b\nbar,\n1,x\n2,y\n", {"skip_rows": [2]}),
        ("1,x\n2,y\n3,z\n", {"header": ["column_1", "column_2"]}),
        ("sep=;\nReport\na;b\n1;x\n2;y\n", {"delimiter": ";", "skip_rows": 2}),
    ],
)
def test_options_are_found(text: str, options: dict[str, object]) -> None:
    assert options_of(text) == options


def test_what_the_user_says_is_not_guessed() -> None:
    assert options_of(ROWS, delimiter=",") == {}


@given(
    st.sampled_from([",", ";", "\t", "|"]),
    st.lists(st.tuples(st.integers(), st.text("abc ,;\t|\"'\n")), min_size=3, max_size=20),
)
def test_a_delimiter_is_found_whatever_quoted_values_hold(
    delimiter: str, rows: list[tuple[int, str]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerows([("id", "text"), *rows])
    found = options_of(text.getvalue())
    assert found.get("delimiter", ",") == delimiter


SHIFT_JIS = pytest.param(
    "shift_jis",
    marks=pytest.mark.skipif(
        version("charset-normalizer").startswith("3.4."), reason="charset-normalizer 3.4 takes it for gb18030"
    ),
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "cp1251", SHIFT_JIS]
)
def test_encodings_are_found(encoding: str) -> None:
    letters = {"cp1251": "Температура воды в насосе", "shift_jis": "ポンプの温度センサー"}.get(
        encoding, "Größe, Übung, Maß"
    )
    text = "".join(f"{letters};{number}\n" for number in range(20))
    start = text.encode(encoding)
    assert start.decode(encoding_of(start, is_all=True)).removeprefix("\ufeff") == text


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("31.12.2026 23:59:58", "%d.%m.%Y %H:%M:%S"),
        ("12/31/2026 3:04 PM", "%m/%d/%Y %I:%M %p"),
        ("2026/12/31 23:59", "%Y/%m/%d %H:%M"),
        ("31-Dec-2026 23:59:58.123", "%d-%b-%Y %H:%M:%S.%f"),
        ("Thu, 31 Dec 2026 23:59:58 +0100", "%a, %d %b %Y %H:%M:%S %z"),
        ("31/Dec/2026:23:59:58 -0700", "%d/%b/%Y:%H:%M:%S %z"),
        ("December 31, 2026 23:59", "%B %d, %Y %H:%M"),
        ("20261231235958", "%Y%m%d%H%M%S"),
        ("31.12.26", "%d.%m.%y"),
        ("12/31/2026 23:59:58 UTC", "%m/%d/%Y %H:%M:%S %Z"),
    ],
)
def test_patterns_of_time_are_found(text: str, pattern: str) -> None:
    moments = Moments("time")
    moments.add([text])
    assert pattern in [found for patterns in (moments.orders or {}).values() for found in patterns]
    assert not moments.is_iso
