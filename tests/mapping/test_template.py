"""Format strings over columns."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.mapping.table import as_table
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import RecordsSource

names = st.text(min_size=1, max_size=8)
fills = st.characters(exclude_characters="{}", exclude_categories=["Cs"])


def filled(text: str, row: dict[str, Any]) -> str | dict[int, str]:
    """Return the text that a row gives, or its problems."""
    [chunk] = RecordsSource([row])
    [result], problems = Template(text).fill(as_table(chunk, None))
    return problems or result


def quoted(name: str) -> str:
    return '{"' + name.replace('"', '""') + '"}'


@given(name=names, value=st.text(max_size=5), before=st.text(max_size=5))
def test_any_column_can_be_named_between_quotes(name: str, value: str, before: str) -> None:
    literal = before.replace("{", "{{").replace("}", "}}")
    assert Template(literal + quoted(name)).columns == [name]
    assert filled(literal + quoted(name), {name: value}) == before + value


@given(
    name=st.text(string.ascii_letters + string.digits + " _-/()%.äß", min_size=1, max_size=8),
    value=st.integers(),
)
def test_an_ordinary_name_needs_no_quotes(name: str, value: int) -> None:
    assert filled("{" + name + "}", {name: value}) == str(value)


def test_an_exact_name_counts_before_a_path() -> None:
    assert filled("{a.b}", {"a.b": 1, "a": {"b": 2}}) == "1"
    assert filled("{a.b}", {"a": {"b": 2}}) == "2"
    assert filled('{"Time:UTC"}/{"say ""x!"""}', {"Time:UTC": 1, 'say "x!"': 2}) == "1/2"


@given(value=st.text(max_size=6), fill=fills, align=st.sampled_from("<>^"), width=st.integers(1, 12))
def test_a_text_is_filled_up_as_python_does(value: str, fill: str, align: str, width: int) -> None:
    spec = f"{fill}{align}{width}"
    assert filled("{a:" + spec + "}", {"a": value}) == format(value, spec)


@given(value=st.integers(), width=st.integers(1, 20), zero=st.sampled_from(["0", ""]), as_text=st.booleans())
def test_an_integer_is_filled_up_as_python_does(value: int, width: int, zero: str, as_text: bool) -> None:
    row = {"a": str(value) if as_text else value}
    assert filled("{a:" + f"{zero}{width}d" + "}", row) == format(value, f"{zero}{width}d")
    assert filled("{a:0" + f"{width}" + "}", row) == format(value, f"0{width}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", "007"),
        ("007", "007"),
        (7.0, "007"),
        ("1234", "1234"),
        ("-7", "-07"),
        (True, None),
        ("7.0", None),
        ("x", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_a_format_of_integers_refuses_other_values(value: Any, expected: str | None) -> None:
    problem = filled("{a:03d}", {"a": value})
    assert problem == expected if expected else "expected an integer for the format '03d'" in str(problem)


def test_what_is_missing_stays_the_problem() -> None:
    assert filled("{a:03d}", {"a": None}) == {0: "column 'a': is empty"}
    assert filled("{a:0>3}", {"a": None}) == {0: "column 'a': is empty"}


@pytest.mark.parametrize(
    "text", ["{", "}", "{a", "a}", "{}", '{""}', '{"a}', "{a!r}", "{a!s:5}",
     "{a:.2f}", "{a:>1000}", "{a:{b}}",
     "{a:=5}", "{a:%Y}", "{a:,}", '{"a"b}', "{:5}", "{a:5.1}", "{{a}"]
)  # fmt: skip
def test_what_is_no_format_string_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^format string '"):
        Template(text)


@given(text=st.text('{}ab:!"0<>d', max_size=12), value=st.text(max_size=3))
def test_no_text_breaks_a_template(text: str, value: str) -> None:
    try:
        template = Template(text)
    except InvalidArgumentError:
        return
    assert isinstance(filled(text, dict.fromkeys(template.columns, value)), str | dict)
