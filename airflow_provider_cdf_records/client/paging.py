"""Reads all records that match, and all changes of a stream, page by page."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from airflow_provider_cdf_records.client.api import CdfClient
from airflow_provider_cdf_records.client.errors import CdfConnectionError, CdfError

PAGE_SIZE = 1000  # records; the most that CDF returns
SORT_KEY = ("lastUpdatedTime", "space", "externalId")
ASCENDING = [{"property": [name], "direction": "ascending"} for name in SORT_KEY]

Key = tuple[Any, ...]  # a record's values of SORT_KEY


class SyncPage(NamedTuple):
    """A page of a stream's changes.

    :param items: records with a ``status``: ``created``, ``updated`` or ``deleted``.
    :param cursor: where the next page starts; keep it to go on another time.
    :param has_next: whether there are more changes now.
    """

    items: list[dict[str, Any]]
    cursor: str
    has_next: bool


def query_records(
    client: CdfClient,
    stream_id: str,
    *,
    filter: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] | None = None,
    last_updated_time: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield all records that match, those that changed longest ago first.

    CDF answers a query with one page and without a cursor, so the records are sorted, and each further page
    is asked to start at the last record of the page before. No record is left out when others are deleted
    meanwhile; a record that changes meanwhile is yielded again at the end, as changed.

    :param filter: in CDF's filter language; all records without it.
    :param sources: ``[{"source": {...}, "properties": ["*"]}]``: the properties to yield. Without it, records
        have no ``properties``, only identities and times.
    :param last_updated_time: ``{"gt"/"gte"/"lt"/"lte": a datetime, ISO 8601 or epoch milliseconds}``; a
        lower bound is required for immutable streams.
    :raises CdfError: when a whole page of records has the same time and identity, which is possible in an
        immutable stream: the records after these cannot be reached.
    """
    last_key: Key | None = None
    yielded_with_last_key: Counter[bytes] = Counter()
    while True:
        page = client.filter_records(
            stream_id,
            filter=filter if last_key is None else _starting_at(last_key, filter),
            sources=sources,
            last_updated_time=last_updated_time,
            sort=ASCENDING,
            limit=PAGE_SIZE,
        )
        records = page if sources is not None else [_without_properties(record) for record in page]
        yield from _not_yielded(records, yielded_with_last_key)
        if len(records) < PAGE_SIZE:
            return
        last_key = _key(records[-1])
        if _key(records[0]) == last_key:
            raise CdfError(_too_many_alike(stream_id, last_key))
        yielded_with_last_key = Counter(_content(record) for record in records if _key(record) == last_key)


def sync_records(
    client: CdfClient,
    stream_id: str,
    *,
    cursor: str | None = None,
    initialize_cursor: str = "1d-ago",
    filter: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] | None = None,
    max_records: int | None = None,
) -> Iterator[SyncPage]:
    """Yield the changes of a stream, oldest first, until there are no more for now.

    A page may be empty and still move the cursor on.

    :param cursor: the cursor of the last page that was read.
    :param initialize_cursor: how long ago to start when there is no cursor, such as ``7d-ago``.
    :param filter: in CDF's filter language; all records without it.
    :param sources: ``[{"source": {...}, "properties": ["*"]}]``: the properties to return.
    :param max_records: how many changes to yield at most; the last page ends there.
    """
    left = sys.maxsize if max_records is None else max_records
    start: dict[str, Any] = {"initialize_cursor": initialize_cursor} if cursor is None else {"cursor": cursor}
    while True:
        limit = min(PAGE_SIZE, left)
        answer = client.sync_records_page(stream_id, **start, filter=filter, sources=sources, limit=limit)
        page = _sync_page(answer)
        yield page
        left -= len(page.items)
        if not page.has_next or left <= 0:
            return
        start = {"cursor": page.cursor}


def _starting_at(key: Key, filter: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a filter for the records with a key, and for all after them."""
    time, space, external_id = key
    from_key_on = {
        "or": [
            _range("lastUpdatedTime", "gt", time),
            {"and": [_equals("lastUpdatedTime", time), _range("space", "gt", space)]},
            {
                "and": [
                    _equals("lastUpdatedTime", time),
                    _equals("space", space),
                    _range("externalId", "gte", external_id),
                ]
            },
        ]
    }
    return from_key_on if filter is None else {"and": [filter, from_key_on]}


def _equals(name: str, value: Any) -> dict[str, Any]:
    return {"equals": {"property": [name], "value": value}}


def _range(name: str, bound: str, value: Any) -> dict[str, Any]:
    return {"range": {"property": [name], bound: value}}


def _not_yielded(records: list[dict[str, Any]], yielded: Counter[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the records that were not on the page before.

    :param yielded: the contents of the records with the last key that were on it. Records that share a key
        come in any order, so they are compared by their contents.
    """
    left = yielded.copy()
    for record in records:
        if left and left[content := _content(record)]:
            left[content] -= 1
        else:
            yield record


def _key(record: dict[str, Any]) -> Key:
    try:
        return tuple(record[name] for name in SORT_KEY)
    except KeyError as error:
        msg = f"CDF answered with a record without {error}: {str(record)[:200]}"
        raise CdfConnectionError(msg) from None


def _content(record: dict[str, Any]) -> bytes:
    return msgspec.json.encode(record, order="deterministic")


def _without_properties(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "properties"}


def _sync_page(answer: dict[str, Any]) -> SyncPage:
    try:
        return msgspec.convert(
            (answer["items"], answer["nextCursor"], answer["hasNext"]),
            type=SyncPage,
        )
    except (KeyError, msgspec.ValidationError):
        msg = f"Syncing was answered without items, nextCursor and hasNext: {str(answer)[:200]}"
        raise CdfConnectionError(msg) from None


def _too_many_alike(stream_id: str, key: Key) -> str:
    time, space, external_id = key
    return (
        f"{PAGE_SIZE} or more records of stream {stream_id!r} have the identity {space}/{external_id} and "
        f"the lastUpdatedTime {time}; CDF gives {PAGE_SIZE} of them at most, and the others cannot be read. "
        "Narrow the filter by a property, or use sync_records."
    )
