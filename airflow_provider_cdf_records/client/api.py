"""CDF's endpoints for streams and records: one short method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote

import msgspec

from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.config import ClientConfig
from airflow_provider_cdf_records.client.errors import CdfAnswerError
from airflow_provider_cdf_records.client.field_names import HOST
from airflow_provider_cdf_records.client.time_bounds import in_milliseconds
from airflow_provider_cdf_records.client.transport import Traffic, Transport


class CdfClient:
    """Talks to one CDF project. Safe to share between threads.

    All calls raise :class:`CdfError`: :class:`CdfApiError` for an error that CDF answered,
    :class:`CdfConnectionError` when there was no answer, or none that can be read, :class:`CdfAuthError` when
    there is no token that CDF takes. What may pass is raised only after the retries that the configuration
    allows.

    :param config: the address of CDF, credentials and limits.
    :param on_token: called with each new access token before it is used, so that logs can mask it.
    :param clock: measures waits, pauses and the lifetime of tokens.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        on_token: Callable[[str], None] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._config = config
        self._transport = Transport(config, on_token=on_token, clock=clock)

    def __enter__(self) -> CdfClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def project(self) -> str:
        """The CDF project."""
        return self._config.project

    @property
    def base_url(self) -> str:
        """The address of the cluster."""
        return self._config.base_url

    @property
    def traffic(self) -> Traffic:
        """The numbers of the upserts, ingests and deletes sent so far."""
        return self._transport.traffic

    @property
    def limit(self) -> int:
        """How many requests may be in flight now: fewer than at first after CDF has asked for less."""
        return self._transport.limit

    @property
    def server_time(self) -> int | None:
        """Epoch milliseconds that CDF's clock has reached, by the ``Date`` of its successful answers so far.

        ``None`` before the first of them.
        """
        return self._transport.server_time

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def cancel(self) -> None:
        """Make every call that waits, or is about to send, end with :class:`CdfCancelledError`."""
        self._transport.cancel()

    def upsert_records(self, stream_id: str, body: bytes, *, conflict_attempts: int | None = None) -> None:
        """Create or fully replace records of a mutable stream; return when CDF has accepted them all.

        :param body: ``{"items": [record, ...]}`` as JSON, 1 to 1000 records and at most 10 MB.
        :param conflict_attempts: how often the request is sent at most while CDF answers 409, since someone
            else is changing some of its records; by default as often as after any other passing failure.
        """
        self._write(_records_path(stream_id, "/upsert"), body, conflict_attempts)

    def ingest_records(self, stream_id: str, body: bytes) -> None:
        """Create records; a mutable stream refuses those that exist with 409.

        With a 409, look at the error's ``may_be_applied``: our own earlier attempt may have created them.

        :param body: as for :meth:`upsert_records`.
        """
        self._write(_records_path(stream_id), body, conflict_attempts=0)

    def delete_records(self, stream_id: str, body: bytes, *, conflict_attempts: int | None = None) -> None:
        """Delete records of a mutable stream; those that do not exist are ignored.

        :param body: ``{"items": [{"space", "externalId"}, ...]}`` as JSON, 1 to 1000 identities.
        :param conflict_attempts: as for :meth:`upsert_records`.
        """
        self._write(_records_path(stream_id, "/delete"), body, conflict_attempts)

    def filter_records(
        self,
        stream_id: str,
        *,
        filter: Mapping[str, Any] | None = None,
        sources: Sequence[Mapping[str, Any]] | None = None,
        last_updated_time: Mapping[str, Any] | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        limit: int = 10,
    ) -> list[dict[str, Any]]:
        """Return one page of records; ``query_records`` goes on to the next ones.

        :param filter: in CDF's filter language; all records without it.
        :param sources: ``[{"source": {...}, "properties": ["*"]}]``: the properties to return.
        :param last_updated_time: ``{"gt"/"gte"/"lt"/"lte": a datetime, ISO 8601 or epoch milliseconds}``, as
            :func:`.in_milliseconds` takes them; a lower bound is required for immutable streams.
        :param sort: ``[{"property": [...], "direction": "ascending" or "descending"}]``, 5 at most.
        :param limit: 1 to 1000.
        """
        query = {
            "filter": filter,
            "sources": sources,
            "lastUpdatedTime": in_milliseconds(last_updated_time),
            "sort": sort,
            "limit": limit,
        }
        return _items(self.post(_records_path(stream_id, "/filter"), _without_none(query)))

    def count_records(
        self,
        stream_id: str,
        *,
        filter: Mapping[str, Any] | None = None,
        last_updated_time: Mapping[str, Any] | None = None,
    ) -> int:
        """Return how many records of a stream can be queried and match; see :meth:`filter_records`."""
        query: dict[str, Any] = {
            "aggregates": {"records": {"count": {}}},
            "filter": filter,
            "lastUpdatedTime": in_milliseconds(last_updated_time),
        }
        answer = self.post(_records_path(stream_id, "/aggregate"), _without_none(query))
        try:
            return int(answer["aggregates"]["records"]["count"])
        except (KeyError, TypeError, ValueError):
            msg = f"Counting the records of {stream_id!r} was answered without a count: {answer!r}"
            raise CdfAnswerError(msg) from None

    def sync_records_page(
        self,
        stream_id: str,
        *,
        cursor: str | None = None,
        initialize_cursor: str | None = None,
        filter: Mapping[str, Any] | None = None,
        sources: Sequence[Mapping[str, Any]] | None = None,
        limit: int = 10,
    ) -> dict[str, Any]:
        """Return one page of a stream's changes: ``{"items", "nextCursor", "hasNext"}``.

        :param cursor: where an earlier page ended; either this or ``initialize_cursor``.
        :param initialize_cursor: how long ago to start, such as ``7d-ago``.
        :param filter: as for :meth:`filter_records`, and so are ``sources`` and ``limit``.
        """
        query = {
            "cursor": cursor,
            "initializeCursor": initialize_cursor,
            "filter": filter,
            "sources": sources,
            "limit": limit,
        }
        return self.post(_records_path(stream_id, "/sync"), _without_none(query))

    def retrieve_stream(self, stream_id: str, *, include_statistics: bool = False) -> dict[str, Any]:
        """Return a stream: ``externalId``, ``type`` (``Mutable`` or ``Immutable``), ``settings``, ...

        :param include_statistics: whether each of ``settings.limits`` tells how much is ``consumed``.
        """
        return self.get(_stream_path(stream_id) + ("?includeStatistics=true" if include_statistics else ""))

    def create_stream(self, stream_id: str, template: str) -> dict[str, Any]:
        """Create a stream from a template of the project, and return it as :meth:`retrieve_stream` does."""
        item = {"externalId": stream_id, "settings": {"template": {"name": template}}}
        return _items(self.post("/streams", {"items": [item]}), at_least=1)[0]

    def containers_by_ids(self, containers: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        """Return the definitions of those containers that exist and that this connection may see.

        :param containers: ``[{"space", "externalId"}, ...]``, 1 to 100.
        """
        return _items(self.post("/models/containers/byids", {"items": containers}))

    def inspect_token(self) -> Any:
        """Return what CDF tells about the token: as a rule ``{"subject", "projects", "capabilities"}``.

        It needs rights of its own, so a :class:`CdfApiError` with 401 or 403 says nothing against the token.
        """
        url = f"{self.base_url}/api/v1/token/inspect"
        return self._transport.request("GET", url, judges_token=False)

    def get(self, path: str) -> dict[str, Any]:
        """``GET`` any address below the project, such as ``/streams``."""
        return _object(self._request("GET", path))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """``POST`` JSON to any address below the project, such as ``/models/spaces``."""
        return _object(self._request("POST", path, msgspec.json.encode(body)))

    def _request(self, method: str, path: str, body: bytes | None = None) -> Any:
        return self._transport.request(method, self._url(path), body)

    def _write(self, path: str, body: bytes, conflict_attempts: int | None) -> None:
        if conflict_attempts is None:
            conflict_attempts = self._config.retry.max_attempts
        self._transport.request(
            "POST", self._url(path), body, writes=True, conflict_attempts=conflict_attempts
        )

    def _url(self, path: str) -> str:
        return f"{self.base_url}/api/v1/projects/{_in_path(self.project)}{path}"


def _stream_path(stream_id: str) -> str:
    return f"/streams/{_in_path(stream_id)}"


def _in_path(name: str) -> str:
    return quote(name, safe="", errors="replace")


def _records_path(stream_id: str, operation: str = "") -> str:
    return f"{_stream_path(stream_id)}/records{operation}"


def _without_none(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _object(answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    what = f"a JSON {type(answer).__name__} instead of an object"
    raise CdfAnswerError(_not_of_cdf(f"CDF answered with {what}", answer))


def _items(answer: dict[str, Any], at_least: int = 0) -> list[dict[str, Any]]:
    items = answer.get("items")
    if isinstance(items, list) and len(items) >= at_least and all(isinstance(item, dict) for item in items):
        return items
    raise CdfAnswerError(_not_of_cdf("CDF answered without the items that were asked for", answer))


def _not_of_cdf(problem: str, answer: Any) -> str:
    return f"{problem}; check that the connection's {HOST} leads to CDF: {str(answer)[:200]}"
