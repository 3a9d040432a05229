"""The base class of operators whose rows are an upstream task's output or in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.operators.records_argument import Rows, check_records
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.paths import Path


class CdfRecordsOrPathOperator(CdfRecordsLoadOperator):
    """Loads an upstream task's records, or those of files; its subclasses define the verb.

    :param records: API-shaped records (with a mapping, rows): a list, a frame (of pandas, polars, pyarrow or
        anything else with ``__arrow_c_stream__``; needs a mapping), or the output of an upstream task
        (mapped or not). They are data and never rendered as templates.
    :param path: instead of ``records``, a file: a local path or any fsspec URL, such as
        ``s3://aws_default@bucket/alarms.ndjson.gz``; a folder, or a pattern such as ``/data/*.csv``, stands
        for its files in the order of their names. (templated)
    :param file_format: ``ndjson`` (a record a line), ``json`` (an array, or an object with ``items``),
        ``csv``, ``tsv``, ``parquet`` or ``arrow``; by default what the suffix of ``path`` says. A ``.zip`` is
        a folder of its members, and each may be compressed itself; how a file is compressed is seen from its
        content.
    :param file_options: options of the format; of CSV and TSV ``delimiter`` (one or more characters),
        ``encoding``, ``encoding_errors`` (``reject``, ``replace``, ``ignore`` or ``backslashreplace``),
        ``header``, ``null_values``, ``skip_rows`` (how many lines to skip at the start, or the numbers of
        lines), ``skip_footer`` (how many rows to leave out at the end), ``comment``, ``quotechar``,
        ``escapechar``, ``skip_initial_space``, ``decimal``, ``thousands``; of NDJSON and
        JSON ``encoding``, ``encoding_errors``, ``null_values``; of JSON ``items``, the path of the array of
        rows, such as ``data.records``; of Parquet ``binary_as_string``.

    The other parameters are those of :class:`.CdfRecordsLoadOperator`; without a ``mapping``, rows must be
    API-shaped records.
    """

    template_fields: Sequence[str] = (
        "stream_id",
        "records",
        "path",
        "mapping",
        "rejected_path",
        "cdf_conn_id",
    )
    text_fields = CdfRecordsLoadOperator.text_fields | {"path"}
    template_fields_renderers = {"mapping": "json"}  # noqa: RUF012 (Airflow's form)

    def __init__(
        self,
        *,
        records: Any = None,
        path: Path | None = None,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.records = Rows(records)
        self.path = path
        self.file_format = file_format
        self.file_options = file_options
        self.check_sources(records=records, path=path)
        check_records(records)
        if file_format is not None or file_options is not None:
            if path is None:
                given = "file_format" if file_format is not None else "file_options"
                msg = f"{given} is of files: give it together with path."
                raise InvalidArgumentError(msg)
            _check_format(path, file_format, file_options)

    def check_sources(self, **sources: Any) -> None:
        """Refuse a task with no source of rows, or with several.

        :raises ValueError: naming the task.
        """
        given = [name for name, value in sources.items() if value is not None]
        if len(given) != 1:
            *others, last = sources
            got = " and ".join(given) or "none"
            msg = f"Task {self.task_id!r} needs exactly one of {', '.join(others)} and {last}, got {got}."
            raise ValueError(msg)

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the load, and return its summary."""
        arguments = self.arguments(context)
        if self.records.given is not None:
            records = self.records.pull(context, skip_none=self.if_empty == "skip")
            return self.load("records", records, **arguments)
        return self.load(
            "file",
            self.path,
            file_format=self.file_format,
            file_options=self.file_options,
            **arguments,
        )


def _check_format(path: Any, file_format: str | None, file_options: Mapping[str, Any] | None) -> None:
    """Check format and options when the DAG is parsed, as far as ``path`` says the format by then.

    Imported here, since the formats would cost every DAG file that imports an operator.
    """
    from airflow_provider_cdf_records.sources import check_format  # noqa: PLC0415

    check_format(str(path) if isinstance(path, str | PathLike) else "", file_format, file_options)
