"""What a load has read and written, for Airflow's lineage and OpenLineage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_cdf_records.hooks.lineage_collector import tell_lineage, tell_lineage_of_query
from airflow_provider_cdf_records.records.stream_uri import stream_uri
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.archives import ZipMember
from airflow_provider_cdf_records.sources.storage import (
    WEB,
    StoragePath,
    is_local,
    local_name,
    urls_of_chain,
)
from airflow_provider_cdf_records.version_compat import connection_of_path

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient
    from airflow_provider_cdf_records.hooks.sources import Opening
    from airflow_provider_cdf_records.load.load import Load
    from airflow_provider_cdf_records.load.summary import Summary

T = TypeVar("T")
Properties = Mapping[str, Mapping[str, Any]]  # definitions, by the names of properties

MOST_FILES = 50  # that are named one by one; of more, their folders are (Airflow takes 100 inputs at most)
RESERVED_IN_URI = {"%": "%25", "#": "%23", "?": "%3F"}


@dataclass
class QueryRead:
    """A query that rows come from.

    :param hook: of the database, once it is known.
    """

    sql: str
    conn_id: str
    hook: Any = None


@dataclass(frozen=True)
class LoadLineage:
    """What a load has read and written, over all its tries.

    :param base_url: where the CDF is that it writes to; ``project``: the project there.
    :param summary: the numbers.
    :param has_read: whether anything was asked of its source.
    :param files: the URIs of the files that were read, without secrets; local paths are absolute.
    :param query: the query that was run.
    :param reads_stream: whether the rows came from the same stream.
    :param containers: those that the mapping names, with their properties, as far as they are known.
    """

    base_url: str
    project: str
    summary: Summary
    has_read: bool = False
    files: tuple[str, ...] = ()
    query: QueryRead | None = None
    reads_stream: bool = False
    containers: Mapping[str, Properties] = field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The URI of the stream that it writes to."""
        return stream_uri(self.base_url, self.project, self.summary.stream_id)

    @property
    def has_written(self) -> bool:
        """Whether CDF has accepted any record."""
        return self.summary.accepted > 0


def told_lineage(
    hook: Any, load: Load, source: Opening, summary: Summary, *, has_ended_well: bool
) -> LoadLineage:
    """Return what a load has read and written, however it ended; Airflow's collector is told.

    A failure here must not hide how the load ended: then only the numbers are known.
    """
    lineage = LoadLineage(load.client.base_url, load.client.project, summary)

    def tell() -> None:
        nonlocal lineage
        lineage = _lineage_of(lineage, load, source, has_ended_well=has_ended_well)
        _tell_of_load(hook, lineage)

    _without_failing(hook.log, tell)
    return lineage


def _lineage_of(numbers: LoadLineage, load: Load, source: Opening, *, has_ended_well: bool) -> LoadLineage:
    has_read = has_ended_well or numbers.summary.read > 0
    files = load.source.begun_paths() if has_read and isinstance(load.source, FileSource) else []
    return replace(
        numbers,
        has_read=has_read,
        files=tuple(uris_of(files)),
        query=source.query if has_read else None,
        reads_stream=has_read and source.is_of_the_stream,
        containers=dict(_containers_of(load)),
    )


def _containers_of(load: Load) -> Iterator[tuple[str, Properties]]:
    if load.findings is None or load.mapping is None:
        return
    for source in load.mapping.sources:
        properties = load.findings.schema.properties(source.id)
        if properties is not None:
            yield str(source.id), properties


def _tell_of_load(hook: Any, lineage: LoadLineage) -> None:
    stream = [lineage.stream]
    read = [*lineage.files, *(stream if lineage.reads_stream else [])]
    tell_lineage(hook, read=read, written=stream if lineage.has_written else [])
    if lineage.query is not None and lineage.query.hook is not None:
        tell_lineage_of_query(lineage.query.hook, lineage.query.sql)


def telling_of_read(hook: Any, client: CdfClient, stream_id: str, answers: Iterable[T]) -> Iterator[T]:
    """Yield what is read of a stream; the first answer, or the end, tells Airflow's collector of lineage."""
    is_told = False

    def tell() -> None:
        tell_lineage(hook, read=[stream_uri(client.base_url, client.project, stream_id)], written=[])

    for answer in answers:
        if not is_told:
            is_told = True
            _without_failing(hook.log, tell)
        yield answer
    if not is_told:
        _without_failing(hook.log, tell)


def _without_failing(log: Any, tell: Callable[[], None]) -> None:
    try:
        tell()
    except Exception as error:
        log.warning("Airflow's collector of lineage does not take what was read or written: %r", error)


def uris_of(paths: Iterable[StoragePath]) -> list[str]:
    """Return the URIs of files, or of their folders where they are many; one that says no host has none.

    The member of an archive is the archive.
    """
    found = (_uri_of(path.archive.path if isinstance(path, ZipMember) else path) for path in paths)
    uris = list(dict.fromkeys(uri for uri in found if uri is not None))
    if len(uris) <= MOST_FILES:
        return uris
    return list(dict.fromkeys(uri.rpartition("/")[0] for uri in uris))


def _uri_of(path: StoragePath) -> str | None:
    """Return the URI of a file, without the connection or the user that its path may name."""
    if is_local(path):
        return f"file://{_quoted(os.path.abspath(local_name(path)))}"
    scheme, separator, rest = urls_of_chain(path)[-1].partition("://")  # where the bytes come from
    is_on_web = scheme.lower() in WEB
    if is_on_web:
        rest = rest.partition("?")[0]
    place, slash, name = rest.partition("/")
    user, at, host = place.rpartition("@")
    if at and (is_on_web or ":" in user):
        place = host
    elif at and (conn_id := connection_of_path(path)):
        place = place.removeprefix(f"{conn_id}@")
    if not separator or not place or place.endswith(":"):  # of a password with a slash, all is a secret
        return None
    return f"{scheme.lower()}://{place}{slash}{name if is_on_web else _quoted(name)}"


def _quoted(name: str) -> str:
    """Return a name in which nothing begins a query or a fragment."""
    return "".join(RESERVED_IN_URI.get(character, character) for character in name)
