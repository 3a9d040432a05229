"""Adds up the summaries of the parts of one load."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.problems import listed

ARE_SUMMARIES = "the summaries that the parts of one load returned (load.output of a mapped task)"
COUNTS = ("read", "superseded", "rejected", "requests", "retries", "bytes_sent")
VALIDATED = "valid"  # with validate_only, in place of what was sent
OTHERS = ("stream_id", "identities", "resumed_from", "seconds", "rejected_path", "probes")

log = logging.getLogger(__name__)


def merge_summaries(summaries: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Add up the summaries of the parts of one load, as the tasks of a mapped operator return them.

    .. code-block:: python

        @task
        def total(summaries):
            return merge_summaries(summaries)

        total(load.output)  # where load is an operator's .partial(...).expand_kwargs(...)

    The result has the keys of a summary, and is taken like one, such as by ``CdfRecordsSensor(load=...)``:

    - Counts, such as ``read``, ``rejected``, ``requests`` and ``bytes_sent``, are sums.
    - ``seconds`` is that of the part that took longest; how long all took together depends on how many ran at
      a time.
    - ``identities`` is the sum, and ``None`` where that of a part is not known. It is exact where no identity
      is in two parts, as with ``partition``; one that is in two parts counts in each.
    - ``rejected_path`` is a list of the files of the parts that rejected records, or ``None``. To load them
      again, give their folder as ``path``.
    - ``resumed_from`` is a list of the positions, each of a part, or ``None`` where none was resumed.
    - ``probes`` are those of all parts, the oldest first.

    :param summaries: a list, or what a mapped task returned; ``None``, of a part without a summary such as
        one that was skipped, is left out, and the log says so. A result of this function may be among them.
    :raises InvalidArgumentError: where there is none, or where they are of several streams or verbs.
    """
    parts = _read(summaries)
    done = {_done(number, part) for number, part in parts.items()}
    _check_same(sorted(done), "verbs")
    _check_same(sorted({part["stream_id"] for part in parts.values()}), "streams")
    loads = list(parts.values())
    validated = [VALIDATED] if any(VALIDATED in load for load in loads) else []
    identities = [load["identities"] for load in loads]
    return {
        "stream_id": loads[0]["stream_id"],
        **{key: sum(load.get(key, 0) for load in loads) for key in ("read", *done, *validated)},
        **{key: sum(load[key] for load in loads) for key in ("superseded", "rejected")},
        "identities": None if None in identities else sum(identities),
        "resumed_from": _together(load["resumed_from"] for load in loads),
        **{key: sum(load[key] for load in loads) for key in ("requests", "retries", "bytes_sent")},
        "seconds": max(load["seconds"] for load in loads),
        "rejected_path": _together(load["rejected_path"] for load in loads),
        "probes": sorted((dict(probe) for load in loads for probe in load["probes"]), key=_time),
    }


def _read(summaries: Any) -> dict[int, Mapping[str, Any]]:
    """Return the summaries by their place in what is given, each with all that is added up."""
    is_list = isinstance(summaries, Iterable) and not isinstance(summaries, str | bytes | Mapping)
    given = list(summaries) if is_list else summaries
    read = kinds.json_objects("summaries", given, ARE_SUMMARIES)
    places = [place for place, one in enumerate(given) if one is not None] if is_list else range(len(read))
    if is_list and 0 < len(read) < len(given):
        log.info(
            "Of %s summaries %s are None, of parts without one, such as skipped ones: they are left out.",
            f"{len(given):,}",
            f"{len(given) - len(read):,}",
        )
    parts = dict(zip(places, read, strict=True))
    if not parts:
        msg = (
            f"summaries must be {ARE_SUMMARIES}, got none: was every part skipped? Let Airflow skip the task "
            "that adds them up as well, by its default trigger rule."
        )
        raise InvalidArgumentError(msg)
    for number, part in parts.items():
        _check(number, part)
    return parts


def _check(number: int, part: Mapping[str, Any]) -> None:
    what = f"summaries[{number}]"
    if missing := [key for key in (*COUNTS, *OTHERS) if key not in part]:
        msg = (
            f"summaries must be {ARE_SUMMARIES}; {what} has no {listed(missing)}. A mapped task's whole "
            "summaries are load.output; that of an older version of this provider has not all keys."
        )
        raise InvalidArgumentError(msg)
    wrong = [key for key in COUNTS if not _is_count(part[key])]
    wrong += [key for key in (VALIDATED,) if not _is_count(part.get(key, 0))]
    wrong += [key for key in ("identities",) if part[key] is not None and not _is_count(part[key])]
    if isinstance(part["seconds"], bool) or not isinstance(part["seconds"], int | float):
        wrong.append("seconds")
    if not isinstance(part["stream_id"], str):
        wrong.append("stream_id")
    if not isinstance(part["probes"], list | tuple) or not all(map(_is_probe, part["probes"])):
        wrong.append("probes")
    if wrong:
        shown = ", ".join(f"{key} {shortened(repr(part[key]))}" for key in wrong)
        msg = f"summaries must be {ARE_SUMMARIES}; {what} has {shown}, which no load returns."
        raise InvalidArgumentError(msg)


def _done(number: int, part: Mapping[str, Any]) -> str:
    """Return the key that says what was done with the records: the only other number."""
    known = {*COUNTS, *OTHERS, VALIDATED}
    done = [key for key, value in part.items() if key not in known and _is_count(value)]
    if len(done) != 1:
        msg = (
            f"summaries must be {ARE_SUMMARIES}; summaries[{number}] does not have one number of records "
            f"that were loaded, but {listed(done) if done else 'none'}."
        )
        raise InvalidArgumentError(msg)
    return str(done[0])


def _check_same(values: list[str], what: str) -> None:
    if len(values) > 1:
        msg = (
            f"summaries must be those of one load, got some of several {what}: {listed(values)}. Add them up "
            "apart."
        )
        raise InvalidArgumentError(msg)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_probe(probe: object) -> bool:
    return isinstance(probe, Mapping) and ("since" in probe or "until" in probe)


def _time(probe: Mapping[str, Any]) -> int:
    return int(probe["since"] if "since" in probe else probe["until"])


def _together(values: Iterable[Any]) -> list[Any] | None:
    """Return all values that are there, also of lists; ``None`` where there are none."""
    each = [one for value in values for one in (value if isinstance(value, list | tuple) else [value])]
    return [one for one in each if one is not None] or None
