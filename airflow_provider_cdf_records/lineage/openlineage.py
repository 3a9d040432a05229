"""A load as OpenLineage describes it. Only Airflow's provider for OpenLineage has this imported."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    error_message_run,
    schema_dataset,
    sql_job,
)
from openlineage.client.facet_v2 import (
    output_statistics_output_dataset as output_statistics,
)

from airflow_provider_cdf_records.hooks.lineage import LoadLineage, Properties, QueryRead
from airflow_provider_cdf_records.load.summary import count_of
from airflow_provider_cdf_records.sources.storage import shown_url


def operator_lineage(load: LoadLineage) -> OperatorLineage[Any, Any]:
    """Return the datasets and facets of a load, however it ended.

    The stream is an output also where nothing arrived, since it is what the task writes to; its statistics
    then say 0 rows. With ``validate_only`` there is none. Rejected rows are the run's standard
    ``errorMessage``, the only facet which says that something of a run went wrong wherever its rows come
    from: ``extractionError`` is of lineage that cannot be found out, and those of data quality are of input
    datasets, which an upstream task's rows are not. When the task fails, Airflow's provider puts the task's
    error there, which says the same and more.
    """
    of_query = _of_query(load.query) if load.query is not None else OperatorLineage()
    inputs = [_file(uri) for uri in load.files]
    if load.reads_stream:
        inputs.append(InputDataset(*_stream(load.stream)))
    outputs = [] if load.summary.valid is not None else [_output(load)]
    return OperatorLineage(
        inputs=[*inputs, *of_query.inputs],
        outputs=outputs,
        run_facets={**of_query.run_facets, **_errors(load)},
        job_facets=of_query.job_facets,
    )


def _stream(uri: str) -> tuple[str, str]:
    """Return the namespace and the name of a stream."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")


def _file(uri: str) -> Dataset:
    """Return the dataset of a file, as OpenLineage's specification names it."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return InputDataset("file", unquote(parts.path))
    return InputDataset(f"{parts.scheme}://{parts.netloc}", unquote(parts.path).lstrip("/"))


def _output(load: LoadLineage) -> Dataset:
    """Return the stream, with what was written and, as far as they are known, the properties of its records.

    Of a delete there are no statistics: the facet counts rows that were written.
    """
    summary = load.summary
    facets: dict[str, Any] = {}
    output_facets: dict[str, Any] = {}
    if load.containers:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=_fields(load.containers))
    if summary.verb.adds_records:
        output_facets["outputStatistics"] = output_statistics.OutputStatisticsOutputDatasetFacet(
            rowCount=summary.accepted, size=summary.bytes_sent
        )
    return OutputDataset(*_stream(load.stream), facets=facets, outputFacets=output_facets)


def _fields(containers: Any) -> list[Any]:
    """Return the fields of records; with several containers, names begin with ``space/container.``."""
    fields = [_field("space", "text"), _field("externalId", "text")]
    for container, properties in containers.items():
        prefix = f"{container}." if len(containers) > 1 else ""
        fields += _fields_of(properties, prefix)
    return fields


def _fields_of(properties: Properties, prefix: str) -> list[Any]:
    return [
        _field(f"{prefix}{name}", _type_of(definition), definition.get("description"))
        for name, definition in properties.items()
    ]


def _field(name: str, kind: str, description: str | None = None) -> Any:
    return schema_dataset.SchemaDatasetFacetFields(name=name, type=kind, description=description)


def _type_of(definition: Any) -> str:
    """Return the type of a property as CDF calls it; of a list, with ``[]``."""
    kind = definition["type"]
    return f"{kind['type']}[]" if kind.get("list") else str(kind["type"])


def _errors(load: LoadLineage) -> dict[str, Any]:
    summary = load.summary
    if not summary.rejected:
        return {}
    where = f", see {shown_url(summary.rejected_path)}" if summary.rejected_path else ""
    message = f"Rejected {summary.rejected:,} of {count_of(summary.read, 'record')}{where}."
    return {"errorMessage": error_message_run.ErrorMessageRunFacet(message, programmingLanguage="python")}


def _of_query(query: QueryRead) -> OperatorLineage[Any, Any]:
    """Return the tables that a query reads, where the hook of its database can tell, and the query."""
    found = None
    if query.hook is not None:
        found = _parsed(query)
    if found is None:
        found = OperatorLineage()
    found.job_facets.setdefault("sql", sql_job.SQLJobFacet(query=query.sql))
    return found


def _parsed(query: QueryRead) -> OperatorLineage[Any, Any] | None:
    """Ask Airflow's provider what a query reads; the database is not asked for its schema."""
    try:
        from airflow.providers.openlineage.sqlparser import get_openlineage_facets_with_sql  # noqa: PLC0415

        return get_openlineage_facets_with_sql(
            hook=query.hook, sql=query.sql, conn_id=query.conn_id, database=None, use_connection=False
        )
    except Exception:  # older providers have other arguments; a hook may need its database to tell
        return None
