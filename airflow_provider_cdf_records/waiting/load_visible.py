"""Waits until all that a load wrote can be queried."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.waiting.condition import Finding

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient

AT_ONCE = 100  # values that a filter takes
MAX_PAGE = 1000  # records that a query returns
MINUTE_MS, DAY_MS = 60_000, 86_400_000
COPY_AFTER_MS = 10 * MINUTE_MS  # after which a record of which CDF keeps no new version counts as seen
JUST_AFTER_MS = MINUTE_MS  # within which of a deletion a record may have been created again
TOMBSTONES_STAY_MS = 3 * DAY_MS  # at least
LONGEST_AGO = 9999  # days
SIZE_OF_A_DICT = 30  # bytes that Airflow adds where it keeps one

Probe = Mapping[str, Any]


@dataclass
class LoadVisible:
    """All that one or more loads wrote to a stream can be queried, and what they deleted cannot.

    Asked about are only the probes that the loads kept of their requests. One that wrote a record is seen
    when a version of it from then on can be queried, whoever wrote it, or when it was deleted since. One
    that deleted a record is seen when the record is gone, or was created again. What was seen is not asked
    about again; the newest are asked about first, and nothing else until they are seen.

    A deletion of a record that was not there tells nothing, so it is seen at once.

    In an immutable stream, CDF keeps no second copy of a record that it has already, so a probe that is not
    seen within ten minutes counts as a copy. A deleted record that is there in a version of about that time
    counts as created again after as long, and after three days, when CDF may have forgotten deletions, every
    probe counts as seen.

    :param stream_id: the stream.
    :param probes: of the loads: ``[{"space", "externalId", "since" or "until": epoch milliseconds}, ...]``;
        ``until`` those of deletions.
    :param written: how many records the loads wrote, the value that the wait ends with.
    """

    stream_id: str
    probes: Sequence[Probe]
    written: int = 0

    def __post_init__(self) -> None:
        self._batches = _in_batches(self.probes)  # of what was not seen yet, the newest last

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of an object that goes on from here, as plain JSON."""
        left = [dict(probe) for batch in self._batches for probe in batch]
        return {"stream_id": self.stream_id, "probes": left, "written": self.written}

    def newest(self, most: int) -> dict[str, Any]:
        """Return the arguments of an object that waits for the newest probes that are left.

        :param most: bytes that these take in the arguments of a trigger.
        """
        probes, left = self.arguments["probes"], most
        first = len(probes)
        while first and (left := left - _size(probes[first - 1])) >= 0:
            first -= 1
        return self.arguments | {"probes": probes[first:]}

    def fits(self, most: int) -> bool:
        """Whether all probes that are left take so many bytes at most."""
        return sum(map(_size, self.arguments["probes"])) <= most

    def look(self, client: CdfClient) -> Finding:
        """Ask for what was not seen yet; the value is the number of records that were written."""
        while self._batches:
            self._batches[-1] = self._not_seen(client, self._batches[-1])
            if self._batches[-1]:
                left = sum(map(len, self._batches))
                return Finding(
                    False,
                    f"Not all of {self.written:,} records that were loaded can be queried yet: {left:,} of "
                    f"{len(self.probes):,} probes are left.",
                )
            self._batches.pop()
        message = f"All of {self.written:,} records that were loaded can be queried, or were changed since."
        return Finding(True, message, self.written)

    def _not_seen(self, client: CdfClient, probes: list[Probe]) -> list[Probe]:
        """Return the probes, all of one kind and space, that are not seen."""
        if "until" in probes[0]:
            versions = self._newest_versions(client, probes, since=None)
            now = _now(client)
            return [probe for probe in probes if _is_still_there(probe, versions, now)]
        since = min(probe["since"] for probe in probes)
        versions = self._newest_versions(client, probes, since)
        left = [probe for probe in probes if versions.get(probe["externalId"], -1) < probe["since"]]
        if left:
            deleted = self._tombstones(client, left)
            left = [probe for probe in left if deleted.get(probe["externalId"], -1) < probe["since"]]
        now = _now(client)
        left = [probe for probe in left if not probe["since"] or now - probe["since"] < TOMBSTONES_STAY_MS]
        if any(now - probe["since"] >= COPY_AFTER_MS for probe in left) and self._is_immutable(client):
            left = [probe for probe in left if now - probe["since"] < COPY_AFTER_MS]
        return left

    def _newest_versions(
        self, client: CdfClient, probes: Iterable[Probe], since: int | None
    ) -> dict[str, int]:
        """Return when the newest version that can be queried of each record was written.

        :param since: only versions from then on.
        """
        versions: dict[str, int] = {}
        left = list(probes)
        while left:
            page = client.filter_records(
                self.stream_id,
                filter=_of(left),
                last_updated_time=None if since is None else {"gte": since},
                sort=[{"property": ["lastUpdatedTime"], "direction": "descending"}],
                limit=MAX_PAGE,
            )
            found = _times(page)
            versions = found | versions
            if len(page) < MAX_PAGE or not found:
                break
            # An immutable stream may hold many records of one identity, which leave no room for the others.
            left = [probe for probe in left if probe["externalId"] not in versions]
        return versions

    def _tombstones(self, client: CdfClient, probes: list[Probe]) -> dict[str, int]:
        """Return when each of the records was deleted that the feed of changes tells of."""
        from airflow_provider_cdf_records.client import sync_records  # noqa: PLC0415 (costs time when parsed)

        since = min(probe["since"] for probe in probes)
        pages = sync_records(
            client, self.stream_id, initialize_cursor=_ago(_now(client) - since), filter=_of(probes)
        )
        return _times(item for page in pages for item in page.items if item.get("status") == "deleted")

    def _is_immutable(self, client: CdfClient) -> bool:
        from airflow_provider_cdf_records.client import CdfApiError  # noqa: PLC0415

        try:
            return client.retrieve_stream(self.stream_id).get("type") == "Immutable"
        except CdfApiError as error:
            if error.retryable:
                raise
            return False  # without the right to look


def _in_batches(probes: Iterable[Probe]) -> list[list[Probe]]:
    """Return the probes as they can be asked for at once: by kind and space, the newest last."""
    together: dict[tuple[bool, str], list[Probe]] = {}
    for probe in sorted(probes, key=_time, reverse=True):
        together.setdefault(("until" in probe, probe["space"]), []).append(probe)
    batches = [
        alike[start : start + AT_ONCE]
        for alike in together.values()
        for start in range(0, len(alike), AT_ONCE)
    ]
    return sorted(batches, key=lambda batch: _time(batch[0]))


def _size(probe: Probe) -> int:
    return len(json.dumps(probe)) + SIZE_OF_A_DICT


def _time(probe: Probe) -> int:
    return int(probe["until"] if "until" in probe else probe["since"])


def _of(probes: Sequence[Probe]) -> dict[str, Any]:
    names = sorted({probe["externalId"] for probe in probes})
    return {
        "and": [
            {"equals": {"property": ["space"], "value": probes[0]["space"]}},
            {"in": {"property": ["externalId"], "values": names}},
        ]
    }


def _times(items: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the greatest ``lastUpdatedTime`` of each record."""
    times: dict[str, int] = {}
    for name, at in _identified(items):
        times[name] = max(at, times.get(name, at))
    return times


def _identified(items: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    for item in items:
        name, at = item.get("externalId"), item.get("lastUpdatedTime")
        if isinstance(name, str) and isinstance(at, int):
            yield name, at


def _is_still_there(probe: Probe, versions: Mapping[str, int], now: int) -> bool:
    """Whether a record is there as it was before it was deleted."""
    at, until = versions.get(probe["externalId"]), probe["until"]
    if at is None or at > until:
        return False
    may_be_newer = at > until - JUST_AFTER_MS and now - until >= COPY_AFTER_MS
    return not may_be_newer and now - until < TOMBSTONES_STAY_MS


def _now(client: CdfClient) -> int:
    """Return the time by CDF's clock, or else by ours."""
    return client.server_time or int(time.time() * 1000)


def _ago(milliseconds: int) -> str:
    """Return what starts the feed of changes a little earlier than so long ago."""
    minutes = max(milliseconds, 0) // MINUTE_MS + 2
    if minutes <= DAY_MS // MINUTE_MS:
        return f"{minutes}m-ago"
    return f"{min(milliseconds // DAY_MS + 1, LONGEST_AGO)}d-ago"
