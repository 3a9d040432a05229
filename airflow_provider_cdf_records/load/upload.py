"""Batches to answers: sent as they come, until each of their rows is accepted or rejected."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from airflow_provider_cdf_records.load.batch_maker import MarkedBatch
from airflow_provider_cdf_records.load.batches import Batch
from airflow_provider_cdf_records.load.in_flight import InFlight
from airflow_provider_cdf_records.load.tally import Tally

log = logging.getLogger(__name__)

T = TypeVar("T")


def upload(
    groups: Iterable[list[MarkedBatch]],
    last: Callable[[], Batch | None],
    in_flight: InFlight,
    tally: Tally,
) -> None:
    """Send every batch, and wait until all are settled.

    Returns early when too many rows are rejected. What came before an error of the source is sent; the error
    is raised afterwards.

    :param groups: the batches, as they become full.
    :param last: returns the batch that is not full at the end.
    :raises LoadStoppedError: when the load was told to stop.
    """
    failures: list[Exception] = []
    try:
        with in_flight:
            for batches in _until_failure(groups, failures):
                for batch, mark in batches:
                    in_flight.send(batch, mark)
                if tally.passed_max_rejected:
                    break
            if not tally.passed_max_rejected and (rest := last()):
                in_flight.send(rest)
            in_flight.drain()
    except BaseException:
        if failures:
            log.warning("The source had failed before that: %r", failures[0])
        raise
    if failures:
        raise failures[0]


def _until_failure(items: Iterable[T], failures: list[Exception]) -> Iterator[T]:
    """Yield the items; instead of raising an error, add it to ``failures`` and end."""
    try:
        yield from items
    except Exception as error:
        failures.append(error)
