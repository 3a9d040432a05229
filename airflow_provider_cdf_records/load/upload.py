"""Converts, batches and sends every row of a source."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from airflow_provider_cdf_records.load.batches import Batcher
from airflow_provider_cdf_records.load.checkpoint import Checkpoint
from airflow_provider_cdf_records.load.in_flight import InFlight
from airflow_provider_cdf_records.load.interpreter import tuned_for_loading
from airflow_provider_cdf_records.load.settling import BatchSettler, Sender
from airflow_provider_cdf_records.load.tally import Tally
from airflow_provider_cdf_records.load.verbs import Repeats
from airflow_provider_cdf_records.records.chunk import Chunk, Convert
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import Source


def upload(
    source: Source,
    convert: Convert,
    sender: Sender,
    tally: Tally,
    *,
    repeats: Repeats,
    max_concurrency: int,
    may_be_stored: bool = False,
    checkpoint: Checkpoint | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Send every row of the source, up to ``max_concurrency`` batches at a time.

    Every row goes to the tally, as accepted, superseded or rejected; returns early when too many are
    rejected. What a source delivered before it failed is sent; its error is raised afterwards.

    :param convert: makes checked records of the rows.
    :param repeats: what several rows of one identity mean.
    :param may_be_stored: whether an earlier try of this load may have stored some of the records.
    :param checkpoint: told how far everything is settled.
    :param stop: when it is set, the load ends within seconds.
    :raises LoadStoppedError: when ``stop`` was set.
    """
    batcher = Batcher(may_repeat=repeats is Repeats.ALL_COUNT)
    settler = BatchSettler(sender, tally, source.where, repeats, may_be_stored=may_be_stored)
    failures: list[Exception] = []
    stop = stop or threading.Event()
    in_flight = InFlight(settler, tally, max_concurrency=max_concurrency, checkpoint=checkpoint, stop=stop)
    with tuned_for_loading(), in_flight:
        for chunk in _until_failure(source, failures):
            if stop.is_set():
                break
            records = convert(chunk)
            tally.read += len(records.bodies) + len(records.refusals)
            for refusal in records.refusals:
                tally.reject(rejection_of(source.where(refusal.position), *refusal))
            if tally.passed_max_rejected:
                tally.is_cut_short = True
                break
            for batch, mark in batcher.feed(records, chunk.end._replace(read=tally.read)):
                in_flight.send(batch, mark)
        if last := batcher.flush():
            in_flight.send(last)
        in_flight.drain()
    if failures:
        raise failures[0]


def _until_failure(source: Source, failures: list[Exception]) -> Iterator[Chunk]:
    """Yield the chunks; instead of raising an error, add it to ``failures`` and end."""
    try:
        yield from source
    except Exception as error:
        failures.append(error)
