"""Numbers that come as text in a style."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.mapping.types import NumberText, Options, property_type
from airflow_provider_cdf_records.records.number_style import NumberStyle
from tests.mapping.types.converting import convert, refused

GERMAN = NumberText(NumberStyle(",", "."))
STYLES = [
    NumberStyle(*signs) for signs in [(",", "."), (",", " "), (".", ","), (".", "'"), (",", None), ("·", "_")]
]
styles = st.sampled_from(STYLES)


def written(number: Decimal, style: NumberStyle, *, grouped: bool) -> str:
    text = format(number, ",f" if grouped and style.thousands else "f")
    signs = {",": style.thousands or "", ".": style.decimal or "."}
    return "".join(signs.get(character, character) for character in text)


@given(
    number=st.decimals(-(10**12), 10**12, places=3) | st.integers(-(10**15), 10**15).map(Decimal),
    style=styles,
    grouped=st.booleans(),
)
def test_a_number_written_in_a_style_is_read_as_it_was(
    number: Decimal, style: NumberStyle, grouped: bool
) -> None:
    text = written(number, style, grouped=grouped)
    reader = NumberText(style)
    assert Decimal(reader.plain(text)) == number
    kind = property_type({"type": "float64"}, Options(number_text=reader))
    assert kind.column([text, f" {text} "]) == ([float(number)] * 2, {})


@given(
    texts=st.lists(st.text("0123456789.,' +-eE\n", max_size=9), max_size=4),
    style=styles,
    name=st.sampled_from(["float64", "int64"]),
)
def test_a_column_is_read_as_its_values_are_one_by_one(
    texts: list[str], style: NumberStyle, name: str
) -> None:
    kind = property_type({"type": name}, Options(number_text=NumberText(style)))
    together, wrong = kind.column(list(texts))
    alone = [kind.column([text]) for text in texts]
    assert together == [value for [value], _ in alone]
    assert sorted(wrong) == [at for at, (_, problems) in enumerate(alone) if problems]


@given(text=st.text("0123456789.,", min_size=1, max_size=10))
def test_a_number_in_the_wrong_style_is_never_read_as_another(text: str) -> None:
    """What both styles read has no separator that counts, or is grouped in threes."""
    values = []
    for style in (NumberStyle(",", "."), NumberStyle(".", ",")):
        try:
            values.append(Decimal(NumberText(style).plain(text)))
        except ValueError:
            return
    if values[0] != values[1]:
        [separator] = {character for character in text if not character.isdigit()}
        assert len(text.partition(separator)[2]) == 3


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "12.34",
        "1.5",
        "1.2345",
        "0.123",
        "1234.567",
        ".123",
        "1,2,3",
        "1,234.5",
        "1.234,5.6",
        "1 234",
        "1_000",
        "1.5e3",
    ],
)
@pytest.mark.parametrize("name", ["float64", "int64"])
def test_separators_in_wrong_places_are_refused(text: str, name: str) -> None:
    assert (
        refused(text, name, number_text=GERMAN)
        == f"expected {name}, got {text!r} (numbers have decimal ',' and thousands '.')"
    )


@pytest.mark.parametrize("text", ["", ",", "\u0663", "high", "1.234,5 €", "12,5 bar", "31.11.2026 06:04"])
@pytest.mark.parametrize("name", ["float64", "int64"])
def test_what_no_style_would_read_is_refused_without_a_hint_at_one(text: str, name: str) -> None:
    assert refused(text, name, number_text=GERMAN) == f"expected {name}, got {text!r}"
    assert refused(text, name) == f"expected {name}, got {text!r}"


@pytest.mark.parametrize("text", ["NaN", "nan", "NA", "n/a", "-", "NULL", "\\N"])
@pytest.mark.parametrize("name", ["float64", "int64"])
def test_what_usually_stands_for_a_missing_value_is_told_to_be_listed(text: str, name: str) -> None:
    hint = "if it means that there is no value, add it to 'null_values' in the mapping"
    message = f"expected {name}, got {text!r} ({hint})"
    assert refused(text, name) == refused(text, name, number_text=GERMAN) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234.567", 1234567),
        ("1.234,00", 1234),
        ("-1.234", -1234),
        ("1,2e1", 12),
        ("+,5e1", 5),
        ("9.007.199.254.740.993,0", 9007199254740993),
    ],
)
def test_integers_keep_their_digits(text: str, expected: int) -> None:
    assert convert(text, "int64", number_text=GERMAN) == expected


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f", "\u2009"])
def test_a_space_stands_for_any_space(space: str) -> None:
    assert convert(f"1{space}234,5", "float64", number_text=NumberText(NumberStyle(",", " "))) == 1234.5
    own = NumberText(NumberStyle(",", space))
    assert convert(f"1{space}234,5", "float64", number_text=own) == 1234.5


@pytest.mark.parametrize("value", ["1,5", "1 000", "-1.234,5", "1,234.5", "1.234.567", "1'000"])
@pytest.mark.parametrize("name", ["float64", "int64"])
def test_without_a_style_no_separator_is_read(value: Any, name: str) -> None:
    hint = "to read it, set 'decimal' or 'thousands' in the mapping"
    assert refused(value, name) == f"expected {name}, got {value!r} ({hint})"


@pytest.mark.parametrize("value", ["1.2.3", "12,", "1-2", "high", "10.0.0.1", "1,5,"])
def test_what_is_no_number_in_any_style_gets_no_hint(value: str) -> None:
    assert refused(value, "float64") == f"expected float64, got {value!r}"
