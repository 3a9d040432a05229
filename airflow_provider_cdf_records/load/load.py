"""One load, from the preflight checks to the summary. Knows no Airflow."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load.batch_maker import BatchMaker
from airflow_provider_cdf_records.load.checkpoint import Checkpoint, StateStore, target_of
from airflow_provider_cdf_records.load.converter import converter_for
from airflow_provider_cdf_records.load.first_rows import FirstRows
from airflow_provider_cdf_records.load.in_flight import InFlight
from airflow_provider_cdf_records.load.measures import Measures, measured
from airflow_provider_cdf_records.load.parallel import call_unless_stopped
from airflow_provider_cdf_records.load.preflight import Findings, check_before_sending, containers_to_look_at
from airflow_provider_cdf_records.load.progress import ProgressLog
from airflow_provider_cdf_records.load.python_tuning import tuned_for_loading
from airflow_provider_cdf_records.load.refusals import BatchSettler, Sender
from airflow_provider_cdf_records.load.rejected_path import check_rejected_path
from airflow_provider_cdf_records.load.sender import SendsNothing, StreamSender
from airflow_provider_cdf_records.load.summary import Summary, count_of
from airflow_provider_cdf_records.load.tally import Tally, TooManyRejectedError
from airflow_provider_cdf_records.load.target_stream import RoomWarning, TargetStream
from airflow_provider_cdf_records.load.upload import upload
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import MappingSpec
from airflow_provider_cdf_records.records.argument_checks import check_flag, check_limit
from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.records.errors import FileChangedError, LoadFailedError, MissingSourceError
from airflow_provider_cdf_records.records.identifiers import check_stream_id
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.rejected import Owner, RejectedFile
from airflow_provider_cdf_records.sources import ReadAhead, ResumableSource, Source
from airflow_provider_cdf_records.sources.source import check_unchanged, known_row_count, tell
from airflow_provider_cdf_records.sources.storage import StoragePath, canonical_path

log = logging.getLogger(__name__)

REST_WITHIN = 1.0  # seconds for a source to show that it has no more rows, once a load has to end


@dataclass(eq=False)
class Load:
    """Writes the rows of a source to a stream. An object runs once.

    :param client: cancelled when the load is told to stop.
    :param verb: what to do with the records.
    :param mapping: how records are made of rows; ``None``: the rows are API-shaped records.
    :param check_schema: look at stream, capabilities and containers before the first record is sent.
    :param max_rejected: how many records may be rejected before the load fails; a ``float`` is a share.
    :param rejected_path: a file for the rejected records and the reasons; the load must not read from it.
    :param owner: the task that this load is of; ``rejected_path`` may hold rejected records of no other.
    :param max_concurrency: requests in flight at most.
    :param is_retry: whether an earlier try of this load may have stored some of the records: then one that an
        ingest finds in the stream counts as ingested. Asked only where the ``state_store`` cannot tell.
    :param state_store: where the load keeps how far it came; without one the next try starts over.
    :param limit: read only this many rows, the first ones; ``None``: all.
    :param partition: load only the rows whose identities belong to this part, such as ``2/8``. With
        ``limit``, those of them among the first rows; such a load keeps no checkpoint.
    :param validate_only: do everything but send the records. Such a load keeps no checkpoint.
    :param target: what else identifies this load, as plain JSON, such as the name of the connection.
    :param log: a logger for progress lines and the summary.
    :param stop: ends the load when it is set before :meth:`run`; later :meth:`end_soon` does.
    """

    client: CdfClient
    verb: Verb[Any]
    stream_id: str
    source: Source
    mapping: MappingSpec | None = None
    check_schema: bool = True
    max_rejected: float = 0
    rejected_path: StoragePath | None = None
    owner: Owner | None = None
    max_concurrency: int = 4
    is_retry: bool = False
    state_store: StateStore | None = None
    limit: int | None = None
    partition: str | None = None
    validate_only: bool = False
    target: dict[str, Any] = field(default_factory=dict)
    log: Any = log
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        check_stream_id(self.stream_id)
        check_limit(self.limit)
        self._part = None if self.partition is None else Partition.of(self.partition)
        check_flag("validate_only", self.validate_only)
        check_flag("check_schema", self.check_schema)
        self.findings: Findings | None = None  # of the preflight checks, once they are made
        self._reading: ReadAhead[Any] | None = None
        self._tally: Tally | None = None
        self._call = partial(call_unless_stopped, self.stop)  # what waits for storage
        self._sent_before = self.client.traffic
        if self.rejected_path is not None:
            check_rejected_path(self.rejected_path, self.source)

    def run(self) -> Summary:
        """Send all rows, and return when CDF has accepted those that it can.

        :raises TooManyRejectedError: when more records were rejected than ``max_rejected`` allows.
        :raises LoadFailedError: when something else ended the load half-way.
        :raises Exception: those of the preflight checks. Each has an attribute ``retryable``: whether another
            try can succeed. Errors without it come from the source.
        """
        rejected_file = None
        if self.rejected_path is not None:
            rejected_file = self._call(RejectedFile, self.rejected_path, self.owner)
        checkpoint, resumed = self._checkpoint(rejected_file)
        tally = self._tally = Tally(
            self.verb,
            self.stream_id,
            max_rejected=self.max_rejected,
            rejected_file=rejected_file,
            resumed=resumed,
            probes=checkpoint.probes,
            validate_only=self.validate_only,
        )
        if self.validate_only:
            self.log.info("Validating only: nothing is sent to stream %s.", self.stream_id)
        try:
            with tally:
                self._send_all(tally, checkpoint, resumed)
            summary = self._final_summary(tally)
        except Exception as error:
            is_final = getattr(error, "retryable", True) is False
            if is_final or isinstance(error.__cause__, FileChangedError):
                checkpoint.forget_mark()  # the stream may be a new, empty one; rows may be of a new version
            if is_final:
                tell(self.source, "discard")
            if isinstance(error, TooManyRejectedError) and tally.has_found_existing:
                checkpoint.clear()  # else the next run would take records of others for its own
            raise
        tell(self.source, "loaded")
        checkpoint.clear()
        return summary

    def summary(self) -> Summary:
        """Return the numbers so far, at any time before, during and after :meth:`run`."""
        sent = self.client.traffic - self._sent_before
        if self._tally is None:
            valid = 0 if self.validate_only else None
            summary: Summary = self.verb.summary(self.verb, self.stream_id, valid=valid)
        else:
            summary = self._tally.summary()
        return replace(summary, requests=sent.requests, retries=sent.retries, bytes_sent=sent.bytes_sent)

    @property
    def has_seen_rows(self) -> bool:
        """Whether the source has had any row, of whatever part."""
        return self._tally is not None and self._tally.has_seen_rows

    def measures(self) -> Measures:
        """Return the numbers of this try alone, at any time."""
        if self._tally is None:
            return Measures()
        throttled = (self.client.traffic - self._sent_before).throttled_seconds
        return measured(self._tally, self.summary(), throttled)

    def end_soon(self) -> None:
        """End the load within seconds; it keeps its checkpoint. May be called by a signal handler."""
        self.stop.set()
        if self._reading is not None:
            self._reading.stop()
        self.client.cancel()

    def _checkpoint(self, rejected_file: RejectedFile | None) -> tuple[Checkpoint, Mark | None]:
        """Find how far an earlier try came, for a source that can be resumed."""
        what = (self.client, self.verb, self.stream_id, self.mapping)
        target = target_of(*what, limit=self.limit, partition=self._part) | self.target
        store = None if self.validate_only else self.state_store
        tells_rest = self.limit is None or self._part is None  # a mark, of how many rows are left
        if store is None or not isinstance(self.source, ResumableSource) or not tells_rest:
            return Checkpoint(store if self.verb.statuses_of_existing else None, target), None
        rejected_path = None if self.rejected_path is None else canonical_path(self.rejected_path)
        fingerprint = self._call(self.source.fingerprint)
        checkpoint = Checkpoint(store, target, fingerprint | {"rejected_path": rejected_path})
        mark = checkpoint.load()
        if mark and rejected_file and not self._call(rejected_file.keep, mark.position, mark.rejected):
            checkpoint.start_over(
                f"The {mark.rejected:,} records that an earlier try rejected are not in {self.rejected_path}"
            )
            mark = None
        if mark is not None:
            self.source.resume_after(mark)
            self.log.info(
                "Going on after %s, where an earlier try stopped.", self.source.where(mark.position)
            )
        return checkpoint, mark

    def _send_all(self, tally: Tally, checkpoint: Checkpoint, resumed: Mark | None) -> None:
        findings = self.findings = self._check_before_sending()
        convert = converter_for(
            self.client,
            self.verb,
            self.mapping,
            findings,
            source=self.source,
            resumed=resumed,
            partition=self._part,
            is_whole=self.limit is None,
            stop=self.stop,
        )
        stream = findings.stream if findings else TargetStream()
        room = RoomWarning(stream, self.verb, self.stream_id)
        source = self.source if self.limit is None else FirstRows(self.source, self.limit - tally.read)
        room.check(0 if self._part else known_row_count(source))
        repeats = self.verb.repeats_on(stream.type)
        where = self.source.where
        make_batches = BatchMaker(convert, tally, where, repeats, partition=self._part, on_read=room.check)
        in_flight = InFlight(
            BatchSettler(
                self._sender(tally),
                tally,
                where,
                repeats,
                max_concurrency=self.max_concurrency,
                may_be_stored=self._may_be_stored(checkpoint),
            ),
            tally,
            checkpoint=checkpoint,
            stop=self.stop,
        )
        self._reading = reading = ReadAhead(source, make_batches)
        with reading, ProgressLog(self.log, tally, source):
            if self.stop.is_set():  # end_soon may have been called before self._reading was set
                reading.stop()
            with self._conclude(tally, checkpoint), tuned_for_loading():
                upload(reading, make_batches.last, in_flight, tally)
                if tally.passed_max_rejected:  # the rows may be bad because the file has changed
                    self._call(check_unchanged, self.source)
                    tally.is_cut_short = tally.is_cut_short or reading.has_more(
                        REST_WITHIN, make_batches.has_nothing
                    )

    def _check_before_sending(self) -> Findings | None:
        if not self.check_schema:
            return None
        containers = partial(containers_to_look_at, self.verb, self.mapping, self.source)
        return check_before_sending(self.client, self.verb, self.stream_id, containers, stop=self.stop)

    def _sender(self, tally: Tally) -> Sender:
        if self.validate_only:
            return SendsNothing()
        return StreamSender(self.client, self.verb, self.stream_id, lambda: tally.accepted)

    def _may_be_stored(self, checkpoint: Checkpoint) -> bool:
        """Return whether an earlier try may have stored some of the records, where that matters."""
        if not self.verb.statuses_of_existing or self.validate_only:
            return False
        has_begun = checkpoint.begin()
        return self.is_retry if has_begun is None else has_begun

    @contextmanager
    def _conclude(self, tally: Tally, checkpoint: Checkpoint) -> Iterator[None]:
        """Log the summary, however the upload ends; save the checkpoint of one that fails.

        The message of a :class:`LoadFailedError` holds the summary, which is then not logged as well.
        """
        try:
            yield
            tally.complete()
        except BaseException as error:
            final = getattr(error, "retryable", True) is False and not self.stop.is_set()
            self._persist_if_possible(tally)
            checkpoint.save()
            summary = self.summary()
            if isinstance(error, MissingSourceError) and not summary.read:
                raise
            numbers = str(summary) if summary.read else ""
            if hasattr(error, "retryable"):
                raise LoadFailedError(f"{error}\n{numbers}".rstrip(), retryable=not final) from error
            if numbers:
                self.log.info("%s", numbers)
            raise
        else:
            self.log.info("%s", self.summary())

    def _persist_if_possible(self, tally: Tally) -> None:
        """Write the rejected records; a failure must not hide the error that ended the load."""
        try:
            tally.persist()
        except Exception as error:
            self.log.warning("The rejected records could not be written to %s: %s", self.rejected_path, error)

    def _final_summary(self, tally: Tally) -> Summary:
        """Return the summary; fail if too many rows were rejected, or if rows are left."""
        summary = self.summary()
        tally.raise_if_too_many_rejected(summary)
        if summary.unsettled:
            msg = f"{count_of(summary.unsettled, 'record')} read and not loaded.\n{summary}"
            raise LoadFailedError(msg, retryable=True)
        return summary
