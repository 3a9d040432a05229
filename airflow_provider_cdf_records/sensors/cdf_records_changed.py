"""The sensor that waits until records of a stream have changed since the run before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sensors.base import CdfSensor
from airflow_provider_cdf_records.task_arguments.operator import Argument
from airflow_provider_cdf_records.task_arguments.own_asset import asset_of_task, store_of
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    PokeReturnValue,
    keeps_state_between_runs,
)
from airflow_provider_cdf_records.waiting import StreamChanged

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.feed_cursor import FeedCursor
    from airflow_provider_cdf_records.hooks.paths import Path
    from airflow_provider_cdf_records.triggers.base import CdfTrigger
    from airflow_provider_cdf_records.waiting import Condition

KEPT_WITH = "cdf_records_cursor"  # the beginning of the asset's name, and its group
RETURN_VALUE = "return_value"  # the key of the XCom that a task returns
MADE_OUTSIDE = (
    "The cursor can be kept from run to run only for a sensor that is of its DAG when it is made: make it in "
    "`with DAG(...)`, or give it dag=."
)
MAX_IN_XCOM, MAX_IN_FILE = 1000, 100_000  # changes in one run


class CdfRecordsChangedSensor(CdfSensor):
    """Wait until records of a stream have changed since the last run, and give the changes.

    .. code-block:: python

        alarm = {"type": "container", "space": "plant", "externalId": "Alarm"}
        changed = CdfRecordsChangedSensor(
            task_id="changed",
            stream_id="alarms",
            sources=[{"source": alarm, "properties": ["*"]}],
            path="/data/alarms-{{ run_id }}.ndjson",
            deleted_path="/data/deleted-{{ run_id }}.ndjson",
        )
        copy = CdfRecordsUpsertOperator(task_id="copy", stream_id="copy", path=changed.output["path"])
        delete = CdfRecordsDeleteOperator(
            task_id="delete", stream_id="copy", path=changed.output["deleted_path"]
        )
        copy >> delete

    Returns the numbers of changes that ``created``, ``updated`` and ``deleted`` a record, ``records`` (those
    created or updated) and ``deleted_records``, each with its identity, times and ``status``, whether it
    ``has_more`` already, and CDF's ``cursor``. Each is an XCom of its own, too:
    ``changed.output["records"]``. Records have the shape in which they can be loaded.

    A change may be given twice, and none is left out; a record that changes several times between two runs is
    one change, as CDF tells its last state alone.

    The cursor moves once the changes are out, and all tries of a run, also one that is cleared later, begin
    with the same one. No run sets back the cursor of another. It is kept, on Airflow 3.3 and later, in the
    state store of an asset of the task's own, ``cdf_records_cursor/<dag_id>/<task_id>``, by the key
    ``cdf_records_cursor``; delete it there to begin at ``initialize_cursor`` again. Before Airflow 3.3 it is
    an XCom of the same name, and a run goes on from the latest run before it, by logical date. Not for mapped
    tasks, nor, on Airflow 3.3 and later, for a task that is put into its DAG after it was made. A run that
    has moved the cursor and fails downstream is to be cleared there, as ever: the next run gives the changes
    after it.
    Every argument may be a literal, a template, or a reference such as an upstream task's output.

    :param stream_id: the stream.
    :param filter: in CDF's filter language, or JSON text of one; all records without it. A deleted record has
        no properties, so that a filter on one leaves it out.
    :param sources: the properties to give, as CDF takes them, or JSON text of it: ``[{"source": {...},
        "properties": ["*"]}]``; identities, times and status alone without it.
    :param initialize_cursor: how far back to begin where no cursor is kept, such as ``7d-ago``.
    :param max_records: how many changes a run gives at most; the next run gives the others. By default 1,000,
        and 100,000 with ``path``.
    :param path: a file for the records (any fsspec URL), written whole or not at all, instead of XCom. One
        that is there already is replaced only if the same run has written it, so let its name differ from run
        to run. ``CdfRecordsUpsertOperator`` and the others load it as it is.
    :param deleted_path: likewise for those that were deleted; each of the two may be there without the other.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param deferrable: look once, and then wait in the triggerer, without a worker; by default what Airflow's
        configuration says (``[operators] default_deferrable``). The changes are read by a worker then, too.
    """

    own_arguments = {  # noqa: RUF012
        "filter": Argument(kinds.optional(kinds.json_object, as_text=False), shown_as="json"),
        "sources": Argument(kinds.optional(kinds.json_list), shown_as="json"),
        "initialize_cursor": Argument(kinds.time_ago, is_text=True),
        "max_records": Argument(kinds.optional(kinds.whole_number(least=1, of="number of changes"))),
        "path": Argument(kinds.optional(kinds.path, as_text=False), is_text=True),
        "deleted_path": Argument(kinds.optional(kinds.path, as_text=False), is_text=True),
    }

    def __init__(
        self,
        *,
        filter: Mapping[str, Any] | str | None = None,
        sources: Sequence[Mapping[str, Any]] | str | None = None,
        initialize_cursor: str = "1d-ago",
        max_records: int | str | None = None,
        path: Path | None = None,
        deleted_path: Path | None = None,
        **kwargs: Any,
    ) -> None:
        self.filter: Any = filter
        self.sources: Any = sources
        self.initialize_cursor = initialize_cursor
        self.max_records: Any = max_records
        self.path: Any = path
        self.deleted_path: Any = deleted_path
        super().__init__(**kwargs)
        self._kept_with = asset_of_task(self, KEPT_WITH)
        self._cursor: FeedCursor | None = None

    def check_together(self) -> None:
        if self.path is not None and str(self.path) == str(self.deleted_path):
            from airflow_provider_cdf_records.sources.storage import shown_url  # noqa: PLC0415 (heavy)

            msg = f"path and deleted_path must be two files, got {shown_url(self.path)!r} for both."
            raise InvalidArgumentError(msg)

    def make_condition(self) -> Condition:
        start = self._begun().start
        return StreamChanged(self.stream_id, start.cursor, start.time, self.filter)

    def make_trigger(self, **wait: Any) -> CdfTrigger:
        from airflow_provider_cdf_records.triggers.base import as_json  # noqa: PLC0415
        from airflow_provider_cdf_records.triggers.changed_since import CdfChangedSinceTrigger  # noqa: PLC0415

        start = self._begun().start
        return CdfChangedSinceTrigger(
            cursor=start.cursor, time=start.time, filter=as_json(self.filter), **wait
        )

    def poke(self, context: Any) -> PokeReturnValue:
        """Return whether records have changed, and the changes, which are out then.

        As long as it cannot begin for something that may pass, it is tried again by the worker.
        """
        try:
            self._begin(context)
        except AirflowException as error:
            if not getattr(error, "retryable", False):
                raise
            self.log.warning("Not known yet: %s", error)
            return PokeReturnValue(False)
        found = super().poke(context)
        return PokeReturnValue(True, self._give(context)) if found else found

    def execute_complete(self, context: Any, event: Any, started_at: float | None = None) -> Any:
        """Return the changes, once a trigger has seen that there are some."""
        super().execute_complete(context, event, started_at)
        self._begin(context)
        return self._give(context)

    def _begin(self, context: Any) -> None:
        """Read the arguments, find out where this run begins, and refuse paths that cannot be written to."""
        from airflow_provider_cdf_records.hooks.changes import ChangesReader  # noqa: PLC0415
        from airflow_provider_cdf_records.hooks.failures import airflow_failures  # noqa: PLC0415
        from airflow_provider_cdf_records.hooks.feed_cursor import FeedCursor  # noqa: PLC0415

        self.read_arguments()
        if self._cursor is not None:
            return
        with airflow_failures():
            ChangesReader(self.path, self.deleted_path).close()
            client = self.client
            self._cursor = FeedCursor(
                {
                    "base_url": client.base_url,
                    "project": client.project,
                    "stream_id": self.stream_id,
                    "filter": self.filter,
                },
                self.initialize_cursor,
                self._store(context),
                context.get("task_state_store"),  # Airflow 3.3 and later
            )

    def _begun(self) -> FeedCursor:
        if self._cursor is None:
            msg = "The sensor has not begun."
            raise RuntimeError(msg)
        return self._cursor

    def _give(self, context: Any) -> dict[str, Any]:
        """Read the changes, give them to XCom or to files, and only then move the cursor."""
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415
        from airflow_provider_cdf_records.hooks.changes import ChangesReader  # noqa: PLC0415
        from airflow_provider_cdf_records.hooks.failures import airflow_failures  # noqa: PLC0415

        cursor = self._begun()
        most = MAX_IN_XCOM if self.path is None else MAX_IN_FILE
        with airflow_failures(), CdfRecordsHook(self.cdf_conn_id).open_client() as client:
            changes, reached = ChangesReader(self.path, self.deleted_path).read(
                client,
                self.stream_id,
                cursor.start,
                filter=self.filter,
                sources=self.sources,
                max_records=self.max_records or most,
            )
            self.log.info(
                "Records of stream %s: %s created, %s updated, %s deleted%s.",
                self.stream_id,
                *(f"{changes[name]:,}" for name in ("created", "updated", "deleted")),
                "; the next run gives those that changed after these" if changes["has_more"] else "",
            )
            self._push(context, changes)
            cursor.keep(reached)
        return changes

    def _push(self, context: Any, changes: dict[str, Any]) -> None:
        """Push the changes to XCom, where Airflow would do so after the cursor has moved."""
        task_instance = context.get("ti")
        if task_instance is None or not self.do_xcom_push:
            return
        try:
            for name, value in {**changes, RETURN_VALUE: changes}.items():
                task_instance.xcom_push(key=name, value=value)
        except Exception as error:
            msg = f"The changes could not be pushed to XCom, and the cursor stays: {error}"
            raise AirflowException(msg) from error

    def _store(self, context: Any) -> Any:
        from airflow_provider_cdf_records.hooks.feed_cursor import EarlierRuns, Nowhere  # noqa: PLC0415

        store, task_instance = store_of(context, self._kept_with), context.get("ti")
        if store is not None:
            return store
        if task_instance is None:
            return Nowhere()
        if keeps_state_between_runs():
            raise InvalidArgumentError(MADE_OUTSIDE)  # else each run would begin at initialize_cursor, unseen
        return EarlierRuns(task_instance)
