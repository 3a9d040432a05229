"""The summaries of loads, as a sensor takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.waiting import LoadVisible

IS_A_SUMMARY = "the summary of a load (load.output), or a list of those of a mapped one"
PROBE_KEYS = ({"space", "externalId", "since"}, {"space", "externalId", "until"})


def summaries(name: str, value: Any) -> list[Mapping[str, Any]]:
    """Read the summary of a load, or a list of some; instances of a mapped task that gave none are left out.

    :raises InvalidArgumentError: for anything else, and for a summary without probes.
    """
    read = kinds.json_objects(name, value, IS_A_SUMMARY)
    for summary in read:
        _check(name, summary)
    return read


def loads_visible(name: str, loads: list[Mapping[str, Any]], stream_id: str | None) -> LoadVisible:
    """Return the condition that all that loads wrote can be queried.

    :param stream_id: the stream that they must have written to; by default the one that they name.
    """
    streams = sorted({summary["stream_id"] for summary in loads} | ({stream_id} if stream_id else set()))
    if len(streams) > 1:
        msg = f"{name} must be of one stream, and of stream_id where that is given, got {', '.join(streams)}."
        raise InvalidArgumentError(msg)
    probes = [probe for summary in loads for probe in summary["probes"]]
    return LoadVisible(streams[0] if streams else "", probes, sum(map(_written, loads)))


def _check(name: str, summary: Mapping[str, Any]) -> None:
    probes, stream_id = summary.get("probes"), summary.get("stream_id")
    is_one = isinstance(stream_id, str) and any(isinstance(summary.get(key), int) for key in _keys())
    if not is_one:
        msg = (
            f"{name} must be {IS_A_SUMMARY}, got a dict without 'stream_id' and one of {', '.join(_keys())}."
        )
        raise InvalidArgumentError(msg)
    if not isinstance(probes, list) or not all(map(_is_probe, probes)):
        msg = (
            f"{name} must be {IS_A_SUMMARY}, with its 'probes', which that of an older version of this "
            "provider does not have. Run the load again, or give the sensor min_count and filter instead."
        )
        raise InvalidArgumentError(msg)
    if _written(summary) and not probes:
        msg = f"{name} is a summary of {_written(summary):,} records without a probe of them."
        raise InvalidArgumentError(msg)


def _is_probe(probe: object) -> bool:
    if not isinstance(probe, Mapping) or set(probe) not in PROBE_KEYS:
        return False
    return all(
        type(value) is (str if key in ("space", "externalId") else int) for key, value in probe.items()
    )


def _written(summary: Mapping[str, Any]) -> int:
    return sum(int(summary.get(key) or 0) for key in _keys())


def _keys() -> list[str]:
    from airflow_provider_cdf_records.load.verbs import VERBS  # noqa: PLC0415 (costs time when parsed)

    return [verb.done for verb in VERBS.values()]
