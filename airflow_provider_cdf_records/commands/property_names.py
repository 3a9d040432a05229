"""Names of properties, made of names of columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from airflow_provider_cdf_records.records.identifiers import RESERVED_PROPERTIES

LONGEST = 200  # characters, far below what CDF takes, so that a number can be added
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
)


def property_names(columns: Iterable[str]) -> dict[str, str]:
    """Return a name for the property of each column, all different and all such that CDF takes them."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for number, column in enumerate(columns, start=1):
        name = base = _name_of(column) or f"column_{number}"
        again = 1
        while name in taken:
            again += 1
            name = f"{base}_{again}"
        taken.add(name)
        names[column] = name
    return names


def _name_of(column: str) -> str:
    text = unicodedata.normalize("NFKD", column.translate(LETTERS))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")[:LONGEST].strip("_")
    name = re.sub(r"__+", "_", name) if name != column else name
    if name[:1].isdigit():
        name = f"n{name}"
    return f"{name}_value" if name in RESERVED_PROPERTIES else name


def snake_case(name: str) -> str:
    """Return a name such as ``HeatPump`` as ``heat_pump``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
