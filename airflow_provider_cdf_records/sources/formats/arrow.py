"""Arrow IPC files and streams, read a few rows at a time; needs ``pyarrow``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.records.chunk import Chunk, Columns
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.formats.damage import DamageGuard
from airflow_provider_cdf_records.sources.source import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

ARROW_FILE_MAGIC = b"ARROW1"
FEATHER_1_MAGIC = b"FEA1"
NOT_UTF8 = "UTF8"  # in what pyarrow says of a text that is not
CHUNK_OF_ZEROS = 1 << 16


def read_arrow(file: io.BufferedReader, *_: object) -> Iterator[Chunk]:
    """Yield the rows of an Arrow IPC file or stream, numbered from 1."""
    with DamageGuard("Arrow", file) as guard:
        from airflow_provider_cdf_records.sources.arrow import batches  # noqa: PLC0415 (needs an extra)

        schema, content = _open(guard)
        names = schema.names
        columns = batches.columns_named(names, 0 if names else sum(batch.num_rows for batch in content))
        if not columns:
            return
        tables = batches.values_of(batches.slices_of(map(_validated, content)), batches.readers_of(schema))
        yield from guard.rows(batches.chunks_of(columns, tables))


def read_arrow_columns(file: io.BufferedReader, *_: object) -> Columns:
    """Return the names of the columns."""
    with DamageGuard("Arrow", file) as guard:
        from airflow_provider_cdf_records.sources.arrow import batches  # noqa: PLC0415 (needs an extra)

        return batches.columns_named(_open(guard)[0].names)


def _open(guard: DamageGuard) -> tuple[Any, Iterable[Any]]:
    """Return the schema and the batches of a file or stream."""
    pa, file = guard.pyarrow, guard.file
    start = file.peek(len(ARROW_FILE_MAGIC))
    if start.startswith(FEATHER_1_MAGIC):
        msg = "is a Feather file of version 1; write it again as version 2, which is Arrow's format."
        raise FormatError(msg)
    if start.startswith(ARROW_FILE_MAGIC):
        whole = pa.ipc.open_file(file)
        return whole.schema, (whole.get_batch(number) for number in range(whole.num_record_batches))
    stream = pa.ipc.open_stream(file)
    return stream.schema, _batches_of_stream(stream, file)


def _batches_of_stream(stream: Any, file: Any) -> Iterator[Any]:
    yield from stream
    while rest := file.read(CHUNK_OF_ZEROS):
        if rest.strip(b"\0"):
            msg = "goes on after the end of its stream; write all rows as one stream."
            raise FormatError(msg)


def _validated(batch: Any) -> Any:
    """Return a batch whose offsets and indices point into it; pyarrow trusts those of a damaged file."""
    for column in batch.columns:
        try:
            column.validate(full=True)
        except ValueError as error:
            if NOT_UTF8 not in str(error):  # a text that is not UTF-8 is the fault of its row alone
                raise
    return batch


ARROW = Format(
    name="arrow",
    suffixes=(".arrow", ".feather"),
    position_in_words="row {}",
    reader=read_arrow,
    options=Options,
    read_columns=read_arrow_columns,
    is_compressed_inside=True,
)
