"""The same rows, written to any format with any options, give the same records."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from airflow_provider_cdf_records.hooks.sources import file_source
from airflow_provider_cdf_records.sources import RecordsSource, Source
from tests.files.accepting_client import load
from tests.sources.writing import COMPRESS

Rows = list[dict[str, Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Written = tuple[
    str, bytes, dict[str, Any], dict[str, Any]
]  # name, content, file_options, keys of the mapping
NAMES = ("id", "text", "number", "count", "flag", "time", "day", "tags", "note")
NULL = "\\N"
DECIMALS = pa.decimal128(38, 6)
TYPES = {
    "id": pa.string(),
    "text": pa.string(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("ms", "UTC"),
    "day": pa.date32(),
    "tags": pa.list_(pa.string()),
    "note": DECIMALS,
}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).filter(
    lambda text: text != NULL
)
moments = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
values = {
    "text": texts,
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "count": st.integers(-(2**63), 2**63 - 1),
    "flag": st.booleans(),
    "time": moments,
    "day": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    "tags": st.lists(texts, max_size=3),
    "note": st.integers(1 - 10**38, 10**38 - 1).map(lambda number: Decimal(f"{number}e-6")),
}
rows = st.lists(
    st.fixed_dictionaries(
        {"id": texts.filter(bool)} | {name: st.none() | given_ for name, given_ in values.items()}
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row["id"],
)


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of the record that a row must become."""
    record = {name: value for name, value in row.items() if value is not None and name != "id"}
    if "time" in record:
        record["time"] = iso(record["time"])
    if "day" in record:
        record["day"] = record["day"].isoformat()
    if "note" in record:
        record["note"] = format(record["note"], "f")
    return record


def iso(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def cell(value: Any, options: dict[str, Any]) -> str:
    """Return a value as a file of texts holds it."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime("%d.%m.%Y %H:%M:%S.%f") if options["patterned"] else iso(value)
    if isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(value).replace(".", options.get("decimal", "."))
    return value if isinstance(value, str) else format(value, "f" if isinstance(value, Decimal) else "")


def write_csv(rows: Rows, draw: Draw, delimiters: str = ",;|:\t") -> Written:
    several = draw(st.booleans()) and len(delimiters) > 1
    delimiter = draw(st.sampled_from(["||", "<>", "~|~"] if several else list(delimiters)))
    quotechar = draw(st.sampled_from("\"'"))
    escapechar = None if several else draw(st.sampled_from([None, "\\"]))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]))
    decimal = draw(st.sampled_from([".", ","]))
    preamble = draw(st.lists(st.sampled_from(["Report", "x;y", "", "# a, b"]), max_size=3))
    footer = draw(st.lists(st.sampled_from(["Total;3", "(3 rows)", "end"]), max_size=2))
    has_header, patterned = draw(st.booleans()), draw(st.booleans())
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
    options = {"decimal": decimal, "patterned": patterned}
    table = [[cell(row[name], options) for name in NAMES] for row in rows]
    if has_header:
        table.insert(0, list(NAMES))
    if any("\r" in value for line in table for value in line):  # which older versions of Python leave bare
        quoting = csv.QUOTE_ALL
    text = io.StringIO(newline="")
    if several:
        for line in table:
            quoted = [quotechar + value.replace(quotechar, quotechar * 2) + quotechar for value in line]
            text.write(delimiter.join(quoted) + line_end)
    else:
        writer = csv.writer(
            text,
            delimiter=delimiter,
            quotechar=quotechar,
            quoting=quoting,
            escapechar=escapechar,
            doublequote=escapechar is None,
            lineterminator=line_end,
        )
        writer.writerows(table)
    lines = [line + line_end for line in preamble]
    content = "".join(lines) + text.getvalue() + "".join(line + line_end for line in footer)
    file_options: dict[str, Any] = {"encoding": encoding, "null_values": [NULL]}
    given_ = {
        "delimiter": delimiter,
        "quotechar": quotechar,
        "escapechar": escapechar,
        "skip_rows": len(preamble) or None,
        "skip_footer": len(footer) or None,
        "header": None if has_header else list(NAMES),
        "decimal": None if decimal == "." else decimal,
    }
    file_options |= {name: value for name, value in given_.items() if value is not None}
    more = {"timestamp": "%d.%m.%Y %H:%M:%S.%f"} if patterned else {}
    if patterned:
        more = {"time": {"column": "time"} | more}
    return "a.csv", content.encode(encoding), file_options, more


def write_tsv(rows: Rows, draw: Draw) -> Written:
    _, content, options, more = write_csv(rows, draw, "\t")
    del options["delimiter"]
    return "a.tsv", content, options, more


def as_json_row(row: dict[str, Any], ensure_ascii: bool, in_milliseconds: bool) -> str:
    """Return a row as JSON, with all digits of its decimal."""
    plain = {name: value for name, value in row.items() if name != "note"}
    if plain["time"] is not None:
        time = plain["time"]
        plain["time"] = round(time.timestamp() * 1000) if in_milliseconds else iso(time)
    if plain["day"] is not None:
        plain["day"] = plain["day"].isoformat()
    note = "null" if row["note"] is None else format(row["note"], "f")
    return json.dumps(plain, ensure_ascii=ensure_ascii)[:-1] + f', "note": {note}}}'


def json_options(draw: Draw) -> tuple[str, bool, dict[str, Any], dict[str, Any]]:
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]))
    in_milliseconds = draw(st.booleans())
    options = {} if encoding.startswith("utf-8") else {"encoding": encoding}
    more = {"time": {"column": "time", "timestamp": "ms"}} if in_milliseconds else {}
    return encoding, in_milliseconds, options, more


def write_ndjson(rows: Rows, draw: Draw) -> Written:
    encoding, in_milliseconds, options, more = json_options(draw)
    line_end, ensure_ascii = draw(st.sampled_from(["\n", "\r\n", "\n\n"])), draw(st.booleans())
    text = line_end.join(as_json_row(row, ensure_ascii, in_milliseconds) for row in rows)
    return "a.ndjson", text.encode(encoding), options, more


def write_json(rows: Rows, draw: Draw) -> Written:
    encoding, in_milliseconds, options, more = json_options(draw)
    space, ensure_ascii = draw(st.sampled_from(["", " ", "\n  ", "\r\n\t"])), draw(st.booleans())
    array = f"[{space}{f',{space}'.join(as_json_row(row, ensure_ascii, in_milliseconds) for row in rows)}]"
    items = draw(st.sampled_from([None, "items", "data", "data.records"]))
    for key in reversed((items or "").split(".") if items else []):
        array = f'{{"total": {{"records": 1}},{space}"{key}":{space}{array}, "next": null}}'
    if items not in (None, "items"):
        options["items"] = items
    return "a.json", array.encode(encoding), options, more


def as_table(rows: Rows, draw: Draw) -> Any:
    unit = draw(st.sampled_from(["ms", "us", "ns"]))
    zone = draw(st.sampled_from(["UTC", "Europe/Oslo", "+05:30"]))
    kinds = TYPES | {"time": pa.timestamp(unit, zone)}
    if draw(st.booleans()):
        kinds |= {"text": pa.large_string(), "tags": pa.large_list(pa.large_string())}
    return pa.table({name: pa.array([row[name] for row in rows], kinds[name]) for name in NAMES})


def write_parquet(rows: Rows, draw: Draw) -> Written:
    file = io.BytesIO()
    parquet.write_table(
        as_table(rows, draw),
        file,
        version=draw(st.sampled_from(["1.0", "2.4", "2.6"])),
        compression=draw(st.sampled_from(["snappy", "gzip", "zstd", "none"])),
        use_dictionary=draw(st.booleans()),
        row_group_size=draw(st.sampled_from([None, 1, 2])),
        use_deprecated_int96_timestamps=draw(st.booleans()),
    )
    return "a.parquet", file.getvalue(), {}, {}


def write_arrow(rows: Rows, draw: Draw) -> Written:
    table, file = as_table(rows, draw), io.BytesIO()
    make = draw(st.sampled_from([pa.ipc.new_file, pa.ipc.new_stream]))
    compression = draw(st.sampled_from([None, "lz4", "zstd"]))
    with make(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=draw(st.sampled_from([None, 2])))
    return draw(st.sampled_from(["a.arrow", "a.feather"])), file.getvalue(), {}, {}


def write_zip(rows: Rows, draw: Draw) -> Written:
    name, content, options, more = draw(st.sampled_from(WRITERS[:-2]))(rows, draw)
    file = io.BytesIO()
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
    return "a.zip", file.getvalue(), options, more


def write_compressed(rows: Rows, draw: Draw) -> Written:
    name, content, options, more = draw(st.sampled_from(WRITERS[:4]))(rows, draw)
    suffix = draw(st.sampled_from(list(COMPRESS)))
    return name + suffix, COMPRESS[suffix](content), options, more


WRITERS = [
    write_csv,
    write_tsv,
    write_ndjson,
    write_json,
    write_parquet,
    write_arrow,
    write_zip,
    write_compressed,
]


def as_dicts(rows: Rows, draw: Draw) -> Any:
    return rows


def as_arrow_table(rows: Rows, draw: Draw) -> Any:
    return as_table(rows, draw)


def as_frame(rows: Rows, draw: Draw) -> Any:
    import pandas as pd

    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in NAMES})
    if draw(st.booleans()):
        frame = frame.astype({"count": "Int64", "text": "string", "flag": "boolean"})
    if draw(st.booleans()):
        frame["number"] = frame["number"].astype("float64")
    if draw(st.booleans()):
        frame["time"] = pd.to_datetime(frame["time"], utc=True).astype("datetime64[ms, UTC]")
    return frame


def mapping(more: dict[str, Any], **keys: Any) -> dict[str, Any]:
    properties = {name: name for name in NAMES if name != "id"} | more
    source = {"space": "plant", "container": "Row", "properties": properties}
    return {"space": "plant", "external_id": "{id}", "sources": [source]} | keys


def check(source: Source, definition: dict[str, Any], rows: Rows, folder: str) -> None:
    outcome = load(source, definition, Path(folder) / "rejected.ndjson")
    assert outcome.error is None, outcome.error
    assert not outcome.rejected
    assert outcome.held == {row["id"]: expected(row) for row in rows}


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=60)
@given(st.data())
def test_rows_come_back_from_a_file_as_they_were(write: Callable[..., Written], data: st.DataObject) -> None:
    written = data.draw(rows)
    name, content, options, more = write(written, data.draw)
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        check(file_source(path, {"file_options": options}), mapping(more), written, folder)


@pytest.mark.parametrize("make", [as_dicts, as_arrow_table, as_frame])
@settings(max_examples=60)
@given(st.data())
def test_rows_in_memory_become_the_same_records(make: Callable[..., Any], data: st.DataObject) -> None:
    written = data.draw(rows)
    records = make(written, data.draw)
    with TemporaryDirectory() as folder:
        check(RecordsSource(records), mapping({}, nan="null"), written, folder)
