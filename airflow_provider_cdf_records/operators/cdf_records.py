"""The operator: an upstream task's records, or a file of them, into a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from os import PathLike
from typing import Any

from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.version_compat import AirflowFailException, XComArg


class Rows(XComArg):
    """The argument ``records``, kept out of Airflow's way until the task runs.

    As a kind of XCom reference it makes its upstream tasks the operator's. Rendering leaves it as it is:
    rows are never taken for templates, and neither masked nor stored with the rendered fields, which would
    cost more time than the upsert.
    """

    def __init__(self, given: Any) -> None:
        self._given = given

    def iter_references(self) -> Iterator[Any]:
        """Yield the upstream tasks, for Airflow."""
        items = self._given if isinstance(self._given, list | tuple) else [self._given]
        for item in items:
            if isinstance(item, XComArg):
                yield from item.iter_references()

    def resolve(self, context: Any, *args: Any, **kwargs: Any) -> Rows:  # noqa: ARG002
        """Called when Airflow renders the fields of the task; see :meth:`pull`."""
        return self

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self._given is None or isinstance(self._given, XComArg):
            return str(self._given)
        return f"{len(self._given):,} records" if isinstance(self._given, Sized) else "records"

    def pull(self, context: Any) -> Iterable[Any]:
        """Return the records; an upstream task's output is fetched now.

        :raises AirflowFailException: when the upstream task returned nothing, not even an empty list.
        """
        given = self._given
        if isinstance(given, list | tuple) and any(isinstance(item, XComArg) for item in given):
            return [_pulled(item, context) for item in given]
        records: Iterable[Any] = _pulled(given, context)
        return records


def _pulled(item: Any, context: Any) -> Any:
    if not isinstance(item, XComArg):
        return item
    value = item.resolve(context)
    if value is None:
        names = ", ".join(repr(operator.task_id) for operator, _ in item.iter_references())
        msg = f"Task {names} returned no records; it must return a list, an empty one when there is nothing."
        raise AirflowFailException(msg)
    return value


class CdfRecordsUpsertOperator(CdfRecordsLoadOperator):
    """Upsert records into a mutable stream of Cognite Data Fusion (CDF).

    .. code-block:: python

        CdfRecordsUpsertOperator(task_id="load", stream_id="alarms", records=extract_alarms())
        CdfRecordsUpsertOperator(task_id="load", stream_id="alarms", path="/data/{{ ds }}.ndjson.gz")

    Of several rows with the same ``space`` and ``externalId``, the last one that CDF takes is what the stream
    holds at the end. The returned summary (XCom) tells how many records were ``read``, ``upserted``,
    ``superseded`` and ``rejected``.

    :param stream_id: the stream. (templated)
    :param records: API-shaped records (with a mapping, rows): a list, or the output of an upstream task
        (mapped or not). They are data, and never rendered as templates.
    :param path: instead of ``records``, a file: a local path or any fsspec URL, such as
        ``s3://aws_default@bucket/alarms.ndjson.gz``; a folder, or a pattern such as ``/data/*.csv``, stands
        for its files in the order of their names. (templated)
    :param file_format: ``ndjson`` (a record a line), ``json`` (an array, or an object with ``items``),
        ``csv``, ``tsv``, ``parquet`` or ``arrow``; by default what the suffix of ``path`` says.
    :param file_options: of CSV: ``delimiter``, ``encoding``, ``header``, ``null_values``, ``quotechar``.

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
    template_fields_renderers = {"mapping": "json"}  # noqa: RUF012 (Airflow's form)

    def __init__(
        self,
        *,
        records: Any = None,
        path: str | PathLike[str] | None = None,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (records is None) == (path is None):
            both = "both are" if path is not None else "neither is"
            msg = f"Task {self.task_id!r} needs either records or path, and {both} given."
            raise ValueError(msg)
        self.records = Rows(records)
        self.path = path
        self.file_format = file_format
        self.file_options = file_options

    def execute(self, context: Any) -> dict[str, Any]:
        """Upsert, and return the summary."""
        if self.path is not None:
            summary = self.hook.upsert_file(
                self.stream_id,
                self.path,
                file_format=self.file_format,
                file_options=self.file_options,
                state_store=context.get("task_state_store"),
                **self.arguments,
            )
        else:
            summary = self.hook.upsert_records(self.stream_id, self.records.pull(context), **self.arguments)
        return summary.as_dict()
