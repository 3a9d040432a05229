"""What the values of PostgreSQL's types become: what they mean exactly, or unreadable, with what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from airflow_provider_cdf_records.records.decoding import NOT_JSON, decode_exactly
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.unreadable import Unreadable

Read = Callable[[Any], Any]
ReadOfColumn = Callable[[str], Read]  # by the column's name, for messages

# What both drivers give exactly, by the oids of the types, which never change: bool, "char", name, int8,
# int2, int4, text, oid, float4, float8, unknown, bpchar, varchar, numeric, and the arrays of all these.
EXACT = frozenset({16, 18, 19, 20, 21, 23, 25, 26, 700, 701, 705, 1042, 1043, 1700})
EXACT |= frozenset({1000, 1002, 1003, 1016, 1005, 1007, 1009, 1028, 1021, 1022, 1014, 1015, 1231})
TEXTS = {25: 1009, 1042: 1014, 1043: 1015, 19: 1003, 18: 1002}  # the types of texts and of their arrays
MOMENTS = {1082: 1182, 1114: 1115, 1184: 1185}  # date, timestamp, timestamptz and their arrays
BEYOND = (
    "an infinity, or beyond the years 1 to 9999; "
    "write column::text, or NULLIF(column, 'infinity'), in the query"
)
NOT_UTF_8 = "not UTF-8; write encode(convert_to(column, 'SQL_ASCII'), 'hex') in the query"
PAIR_OF_HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")(?:, |$)', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
FIRST_OF_OTHERS = 16384  # oids of types that are not PostgreSQL's own
TEXT_CATEGORIES = "ESN"  # of types whose text is exact: enums, texts, numbers


class Type(NamedTuple):
    """A type, as the catalog ``pg_type`` has it.

    :param kind: ``b`` (base), ``c`` (composite), ``d`` (domain), ``e`` (enum), ``m`` (multirange), ``p``
        (pseudo) or ``r`` (range).
    :param category: such as ``A`` for arrays and ``S`` for texts.
    :param element: the oid of an array's elements.
    :param base: the oid of the type that a domain is of.
    :param delimiter: between the elements of an array of this type.
    """

    oid: int
    name: str
    kind: str = "b"
    category: str = "U"
    element: int = 0
    base: int = 0
    delimiter: str = ","


CATALOG = (
    "SELECT oid::int8, typname::text, typtype::text, typcategory::text, typelem::int8, typbasetype::int8, "
    "typdelim::text FROM pg_catalog.pg_type WHERE oid IN ({})"
)

BUILT_IN = {  # of which each driver makes something of its own: their oids, and those of their arrays
    "json": (114, 199),
    "jsonb": (3802, 3807),
    "bytea": (17, 1001),
    "time": (1083, 1183),
    "timetz": (1266, 1270),
    "interval": (1186, 1187),
    "bit": (1560, 1561),
    "varbit": (1562, 1563),
    "money": (790, 791),
    "inet": (869, 1041),
    "cidr": (650, 651),
    "uuid": (2950, 2951),
    "record": (2249, 2287),
    "int4range": (3904, 3905),
    "numrange": (3906, 3907),
    "tsrange": (3908, 3909),
    "tstzrange": (3910, 3911),
    "daterange": (3912, 3913),
    "int8range": (3926, 3927),
    "int4multirange": (4451, 6150),
    "nummultirange": (4532, 6151),
    "tsmultirange": (4533, 6152),
    "tstzmultirange": (4534, 6153),
    "datemultirange": (4535, 6155),
    "int8multirange": (4536, 6157),
}
AS_TEXT = dict(BUILT_IN.values())
KNOWN = {oid: Type(oid, name) for name, (oid, _) in BUILT_IN.items()}
KNOWN |= {
    array: Type(array, f"_{name}", category="A", element=oid) for name, (oid, array) in BUILT_IN.items()
}


def refused(value: object, why: str) -> Unreadable:
    """Return what stands for a value that would change its meaning.

    :param value: as the driver gives it; messages show the beginning of its text.
    :param why: what it is, and what to write in the query.
    """
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    return Unreadable(f"{shortened(text)!r}: {why}", text)


def unknown_oids(oids: Iterable[int], types: Mapping[int, Type]) -> set[int]:
    """Return the oids that have to be looked up, those of elements and of domains' base types too."""
    of_types = {oid for found in types.values() for oid in (found.element, found.base) if oid}
    return {*oids, *of_types} - EXACT - MOMENTS.keys() - set(MOMENTS.values()) - types.keys()


def reader_of(oid: int, types: Mapping[int, Type], column: str, items_of: Read) -> Read | None:
    """Return what reads the values of a type, which the driver gives as text; ``None`` where it is exact.

    :param types: those that are known, by their oids.
    :param column: the name of the column, for messages.
    :param items_of: makes lists of texts of an array's text.
    """
    found = types.get(oid)
    if found is None:
        return None
    if found.base:
        return reader_of(found.base, types, column, items_of)
    if found.category == "A" and found.element:
        return _reader_of_array(found, types, column, items_of)
    maker = READERS.get(found.name) if oid in KNOWN or found.name == "hstore" else None
    maker = maker or READERS_OF_KINDS.get(found.kind)
    if maker is None and oid >= FIRST_OF_OTHERS and found.category not in TEXT_CATEGORIES:
        maker = _refused(f"of the type {found.name}", "{0}::text")
    return None if maker is None else maker(column)


def _reader_of_array(array: Type, types: Mapping[int, Type], column: str, items_of: Read) -> Read:
    element = array.element
    delimiter = ","
    while element in types:
        delimiter = types[element].delimiter
        if not types[element].base:
            break
        element = types[element].base
    if delimiter != "," or element in (EXACT | MOMENTS.keys()) - TEXTS.keys():  # of a domain's numbers, say
        return _refused(f"an array of the type {array.name}", "{0}::text, or cast it to another array,")(
            column
        )
    read = reader_of(element, types, column, items_of)

    def read_items(value: Any) -> Any:
        if isinstance(value, list):
            return [None if item is None else read_items(item) for item in value]
        return value if read is None else read(value)

    return lambda value: read_items(items_of(value) if isinstance(value, str) else value)


def _refused(what: str, cast: str) -> ReadOfColumn:
    """Return a reader that takes no value of a column.

    :param cast: what to write in the query, with ``{0}`` for the column.
    """

    def of_column(column: str) -> Read:
        why = f"{what}; write {cast.format(column)} in the query"
        return lambda value: refused(value, why)

    return of_column


def _json(column: str) -> Read:
    def read(text: str) -> Any:
        try:
            value = decode_exactly(text)
        except NOT_JSON:  # half of a surrogate pair, or endless nesting: text that PostgreSQL has not decoded
            return refused(text, f"JSON that cannot be decoded; write {column}::text in the query")
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            return refused(text, f"a JSON text that looks like more JSON; write {column}->>0 in the query")
        return value

    return read


def _bits(column: str) -> Read:
    why = f"a bit string; write {column}::int, or {column}::text, in the query"
    return lambda text: text if len(text) == 1 else refused(text, why)


def _hstore(column: str) -> Read:
    def read(text: str) -> Any:
        pairs, end = {}, 0
        while pair := PAIR_OF_HSTORE.match(text, end):
            name, value = pair.groups()
            pairs[ESCAPED.sub(r"\1", name)] = None if value is None else ESCAPED.sub(r"\1", value)
            end = pair.end()
        whole = end == len(text)
        return pairs if whole else refused(text, f"write hstore_to_jsonb({column}) in the query")

    return read


_composite = _refused("a composite value", "to_jsonb({0}), or its fields as columns such as ({0}).field,")
_range = _refused("a range", "lower({0}) and upper({0}), or {0}::text,")

READERS: Mapping[str, ReadOfColumn] = {
    "json": _json,
    "jsonb": _json,
    "bytea": _refused("bytes", "encode({0}, 'hex') or encode({0}, 'base64')"),
    "interval": _refused("an interval", "EXTRACT(EPOCH FROM {0}), or {0}::text,"),
    "bit": _bits,
    "varbit": _bits,
    "money": _refused("money", "{0}::numeric"),
    "record": _composite,
    "hstore": _hstore,
} | {name: _range for name in BUILT_IN if name.endswith("range")}
READERS_OF_KINDS: Mapping[str, ReadOfColumn] = {"c": _composite, "r": _range, "m": _range}
