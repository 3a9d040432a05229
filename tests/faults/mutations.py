"""Files of every format and compression, and changes of their bytes: flips, cuts, repeats, swaps."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import zstandard
from pyarrow import parquet

from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.files.corpus import CASES, FOLDER, ROW, mapping_of
from tests.sources.writing import COMPRESS

Rows = list[dict[str, Any]]
LARGEST_OF_CORPUS = 5_000  # bytes
MOST_CHANGES = 3
EXTERNAL_ID = re.compile(rb"[0-9a-f]{12}")
LONG = 3_000  # bytes of a run that is inserted
PIECES = [
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3", b"\xe2\x80\xa8"),
    *(b"\r", b"\n", b"\r\n", b"\n\n", b"\x1a", b"\x85", b" ", b"\t"),
    *(b'"', b'""', b"'", b"\\", b",", b";", b"|", b":", b"#", b"=", b"{", b"}", b"[", b"]", b"null"),
    *(b"NaN", b"Infinity", b"1e999", b"-", b"0", b"9" * 30, b"9" * 5000, b"\\ud800", b"\\u0000", b"[" * 3000),
    *(b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1"),
]
MAPPING = {
    "space": "plant",
    "external_id": "{id}",
    "sources": [
        {
            "space": "plant",
            "container": ROW["externalId"],
            "properties": {
                "text": "text",
                "number": "value",
                "count": "count",
                "flag": "flag",
                "time": "time",
                "tags": {"column": "tags", "delimiter": ";"},
            },
        }
    ],
}


@dataclass(frozen=True)
class Seed:
    """A valid file.

    :param file_name: whose suffix says the format.
    :param rows: what one line each holds, for formats whose lines stand alone: its external id by the line.
    :param header: the line that must be whole for the others to have a meaning.
    :param has_checksum: whether damage cannot go unseen.
    :param pack: compresses the content after it was changed; by default what is changed is the whole file.
    """

    name: str
    file_name: str
    content: bytes
    mapping: dict[str, Any] | None = field(default_factory=lambda: MAPPING)
    options: dict[str, Any] = field(default_factory=dict)
    lines: dict[bytes, str] = field(default_factory=dict)
    header: bytes = b""
    has_checksum: bool = False
    pack: Callable[[bytes], bytes] = bytes


def rows_of_seed(count: int = 12) -> Rows:
    draw = random.Random(count)
    return [
        {
            "id": f"{draw.getrandbits(48):012x}",
            "text": draw.choice(["pump", "snö ☃", "5 inch", "x" * 40, None]),
            "value": draw.choice([1.5, -0.25, 1e-9, 123456.789, None]),
            "count": draw.randrange(-(10**12), 10**12),
            "flag": draw.choice([True, False]),
            "time": f"2026-01-{draw.randrange(10, 29)}T{draw.randrange(10, 24)}:04:05.678Z",
            "tags": draw.choice([["a", "b"], [], ["c"]]),
        }
        for _ in range(count)
    ]


ROWS = rows_of_seed()
FLAT = [row | {"tags": ";".join(row["tags"])} for row in ROWS]


def as_csv(rows: Rows, **dialect: Any) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), **({"lineterminator": "\n"} | dialect))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_table(rows: Rows) -> Any:
    moments = [datetime.fromisoformat(row["time"].replace("Z", "+00:00")) for row in rows]
    columns = {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    return pa.table(columns | {"time": pa.array(moments, pa.timestamp("ms", "UTC"))})


def as_parquet(rows: Rows, **more: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(as_table(rows), file, **more)
    return file.getvalue()


def as_arrow(rows: Rows, make: Callable[..., Any] = pa.ipc.new_file) -> bytes:
    table, file = as_table(rows), io.BytesIO()
    with make(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)
    return file.getvalue()


def as_zip(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def as_zstandard(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def as_gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def lines_of(content: bytes) -> dict[bytes, str]:
    """Return the external ids of the rows by their lines."""
    lines = [(line, EXTERNAL_ID.search(line)) for line in content.split(b"\n")]
    return {line: found[0].decode() for line, found in lines if found}


def seeds_of_formats() -> list[Seed]:
    lines, plain = as_lines(ROWS), as_csv(FLAT)
    quoted = as_csv(FLAT, quoting=csv.QUOTE_ALL, delimiter=";", lineterminator="\r\n")
    odd = b"Report;2026\n\n# a comment\n" + as_csv(FLAT, delimiter=";") + b"12 rows\n"
    array = json.dumps(ROWS).encode()
    under = json.dumps({"status": "ok", "data": {"records": ROWS}, "next": None}, indent=1).encode()
    halves = {"a.csv": as_csv(FLAT[:6]), "b.ndjson": as_lines(ROWS[6:])}
    checked = {"has_checksum": True}
    return [
        Seed("csv", "a.csv", plain, lines=lines_of(plain), header=plain.split(b"\n")[0]),
        Seed("quoted csv", "a.csv", quoted, options={"delimiter": ";"}),
        Seed(
            "csv with options",
            "a.csv",
            odd,
            options={"delimiter": ";", "skip_rows": 2, "comment": "#", "skip_footer": 1, "thousands": " "},
        ),
        Seed("csv with two delimiters", "a.csv", plain.replace(b",", b"||"), options={"delimiter": "||"}),
        Seed("csv in UTF-16", "a.csv", plain.decode().encode("utf-16"), options={"encoding": "utf-16"}),
        Seed("tsv", "a.tsv", as_csv(FLAT, delimiter="\t")),
        Seed("ndjson", "a.ndjson", lines, lines=lines_of(lines)),
        Seed("ndjson in UTF-16", "a.jsonl", lines.decode().encode("utf-16"), options={"encoding": "utf-16"}),
        Seed("json", "a.json", array),
        Seed("json under data.records", "a.json", under, options={"items": "data.records"}),
        Seed("parquet", "a.parquet", as_parquet(ROWS)),
        Seed("parquet of old", "a.parquet", as_parquet(ROWS, version="1.0", use_dictionary=False)),
        Seed("parquet in groups", "a.parquet", as_parquet(ROWS, row_group_size=5, compression="gzip")),
        Seed("arrow", "a.arrow", as_arrow(ROWS)),
        Seed("arrow stream", "a.arrow", as_arrow(ROWS, pa.ipc.new_stream)),
        Seed("csv.gz", "a.csv.gz", as_gzip(plain), **checked),
        Seed("ndjson.gz", "a.ndjson.gz", as_gzip(lines), **checked),
        Seed("gzip unsaid", "a.csv", as_gzip(plain)),
        Seed("json.zst", "a.json.zst", as_zstandard(array), **checked),
        Seed("csv.bz2", "a.csv.bz2", COMPRESS[".bz2"](plain), **checked),
        Seed("zip", "a.zip", as_zip({"rows.csv": plain}), **checked),
        Seed("zip of two", "a.zip", as_zip(halves), **checked),
        Seed("csv in zip", "a.zip", plain, pack=lambda changed: as_zip({"rows.csv": changed})),
        Seed("ndjson in gzip", "a.ndjson.gz", lines, pack=as_gzip, lines=lines_of(lines)),
        Seed(
            "parquet in zip", "a.zip", as_parquet(ROWS), pack=lambda changed: as_zip({"a.parquet": changed})
        ),
    ]


def seeds_of_several_chunks() -> list[Seed]:
    rows = rows_of_seed(2 * ROWS_AT_ONCE + 345)
    lines, plain = as_lines(rows), as_csv([row | {"tags": ";".join(row["tags"])} for row in rows])
    return [
        Seed("long csv", "a.csv", plain, lines=lines_of(plain), header=plain.split(b"\n")[0]),
        Seed("long ndjson", "a.ndjson", lines, lines=lines_of(lines)),
        Seed("long zip", "a.zip", as_zip({"a.csv": plain}), has_checksum=True),
    ]


def seeds_of_corpus() -> list[Seed]:
    found = []
    for name, case in CASES.items():
        path = FOLDER / case["file"]
        if path.is_file() and 0 < path.stat().st_size < LARGEST_OF_CORPUS and "file_format" not in case:
            options = case.get("file_options", {})
            found.append(Seed(name, path.name, path.read_bytes(), mapping_of(case), options))
    return found


def changed(content: bytes, draw: random.Random) -> bytes:
    """Return the content with one change or a few."""
    before = content
    while content == before:
        for _ in range(draw.randint(1, MOST_CHANGES)):
            content = draw.choice(CHANGES)(content, draw)
    return content


def _slice(content: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(content) + 1)
    longest = len(content) - start if draw.random() < 0.3 else min(len(content) - start, 20)
    return start, start + draw.randint(0, longest)


def _flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return b"\0"
    at = draw.randrange(len(content))
    byte = content[at] ^ (1 << draw.randrange(8)) if draw.random() < 0.5 else draw.randrange(256)
    return content[:at] + bytes([byte]) + content[at + 1 :]


def _cut_out(content: bytes, draw: random.Random) -> bytes:
    start, end = _slice(content, draw)
    return content[:start] + content[end:]


def _cut_off(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _double(content: bytes, draw: random.Random) -> bytes:
    start, end = _slice(content, draw)
    return content[:end] + content[start:]


def _insert(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice(PIECES) + content[at:]


def _overwrite(content: bytes, draw: random.Random) -> bytes:
    at, piece = draw.randrange(len(content) + 1), draw.choice(PIECES)
    return content[:at] + piece + content[at + len(piece) :]


def _insert_run(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + bytes([draw.randrange(256)]) * draw.randrange(LONG) + content[at:]


def _swap(content: bytes, draw: random.Random) -> bytes:
    a, b, c, d = sorted(draw.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _other_line_ends(content: bytes, draw: random.Random) -> bytes:
    return content.replace(b"\n", draw.choice([b"\r\n", b"\r", b"\n\n", b" \n", b""]))


def _double_a_byte(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[max(0, at - 1) : at] * draw.randint(1, 3) + content[at:]


CHANGES = [
    *(_flip, _flip, _flip, _cut_out, _cut_out, _cut_off, _double, _insert, _insert, _insert),
    *(_overwrite, _insert_run, _swap, _other_line_ends, _double_a_byte),
]
