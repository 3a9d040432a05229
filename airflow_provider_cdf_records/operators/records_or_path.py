"""The base class of operators whose rows are an upstream task's output or in files."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.task_arguments.operator import Argument
from airflow_provider_cdf_records.task_arguments.references import delimiters_of, is_open
from airflow_provider_cdf_records.task_arguments.rows import Rows, rows, rows_of_no_path

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.paths import Paths


class CdfRecordsOrPathOperator(CdfRecordsLoadOperator):
    """Loads an upstream task's records, or those of files; its subclasses define the verb.

    :param records: API-shaped records (with a mapping, rows): a list, a frame (of pandas, polars, pyarrow or
        anything else with ``__arrow_c_stream__``; needs a mapping), or the output of an upstream task
        (mapped or not). They are data and never rendered as templates.
    :param path: instead of ``records``, a file: a local path or any fsspec URL, such as
        ``s3://aws_default@bucket/alarms.ndjson.gz``; a folder, or a pattern such as ``/data/*.csv``, stands
        for its files in the order of their names. A list of paths is read in its order. A path may end with a
        slice: ``alarms.ndjson#bytes=0-67108863`` (of NDJSON and CSV), ``alarms.parquet#row_groups=0-3``.
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

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "records": Argument(rows),
        "path": Argument(kinds.optional(kinds.paths, as_text=False), is_text=True),
        "file_format": Argument(kinds.optional(kinds.text), is_text=True),
        "file_options": Argument(kinds.optional(kinds.json_object), holds_texts=True, shown_as="json"),
    }

    overwrite_rtif_after_execution = True  # the rendered fields say how many rows there were

    def __init__(
        self,
        *,
        records: Any = None,
        path: Paths | None = None,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.records = records if isinstance(records, Rows) else Rows(records)
        self.path = self._given_path = path
        self.file_format = file_format
        self.file_options = file_options
        super().__init__(**kwargs)

    def sources(self) -> dict[str, Any]:
        """Return the arguments of which one is given: where the rows come from."""
        return {"records": self.records.given, "path": self.path}

    def check_together(self) -> None:
        """Refuse a task with no source of rows or with several, and options of files that there are not.

        :raises InvalidArgumentError: naming the task, or the option.
        """
        super().check_together()
        given = [name for name, value in self.sources().items() if value is not None]
        if len(given) != 1:
            *others, last = self.sources()
            got = " and ".join(given) or "none"
            msg = f"Task {self.task_id!r} needs exactly one of {', '.join(others)} and {last}, got {got}."
            raise InvalidArgumentError(msg)
        for name in ("file_format", "file_options"):
            if getattr(self, name) is None:
                continue
            if self.path is None:
                msg = f"{name} is of files: give it together with path."
                raise InvalidArgumentError(msg)
            self._check_format()

    def _check_format(self) -> None:
        """Check format and options when the DAG is parsed, as far as they are known by then.

        Imported here, since the formats would cost every DAG file that imports an operator.
        """
        from airflow_provider_cdf_records.sources import check_format  # noqa: PLC0415

        def is_known(value: Any) -> bool:
            return not is_open(value, delimiters_of(self.get_dag()))

        paths = self.path if isinstance(self.path, list | tuple) else [self.path]
        texts = [str(path) if isinstance(path, str | PathLike) else "" for path in paths]
        options = self.file_options if isinstance(self.file_options, Mapping) else {}
        if is_known(self.file_format):
            known = {name: value if is_known(value) else None for name, value in options.items()}
            for path in texts:
                check_format(path, self.file_format, known)

    def load_ended(self, rows_read: int) -> None:
        """Have the rendered ``records`` say how many rows the load has read."""
        self.records.read = rows_read

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the load, and return its summary."""
        arguments = self.arguments(context)
        if self.records.given is not None:
            records = self.records.pull(context, skip_none=self.if_empty == "skip")
            return self.load("records", records, **arguments)
        if self.path is None:  # its upstream task was skipped, or returned nothing
            return self.load("records", rows_of_no_path(self._given_path, context), **arguments)
        return self.load(
            "file",
            self.path,
            file_format=self.file_format,
            file_options=self.file_options,
            **arguments,
        )
