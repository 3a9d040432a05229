"""Reads what has changed in a stream since the run before, and gives it to a task or to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.hooks.changed_file import ChangedFile
from airflow_provider_cdf_records.hooks.task import owner_of_task
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.returned import as_record
from airflow_provider_cdf_records.sources.storage import shown_url
from airflow_provider_cdf_records.sources.storage_use import using_storages
from airflow_provider_cdf_records.waiting.change_pages import Position, pages_from

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient
    from airflow_provider_cdf_records.hooks.paths import Path

DELETED = "deleted"
STATUSES = ("created", "updated", DELETED)

Key = tuple[str, str]


class ChangesReader:
    """Reads changes up to a bound, and keeps them in a list, or in files for any number.

    Of the changes of one record, each is given, except that a deletion counts only where none came after it:
    writing the records first and then deleting the deleted ones gives what the stream holds.

    :param path: a file for the records that were created or updated; without it they are in the result.
    :param deleted_path: likewise for the identities of the deleted ones.
    :raises InvalidArgumentError: for paths that cannot be written to.
    """

    def __init__(self, path: Path | None, deleted_path: Path | None) -> None:
        self._paths = {"path": path, "deleted_path": deleted_path}
        owner = owner_of_task()
        self._files = {
            name: ChangedFile(given, name, owner) for name, given in self._paths.items() if given is not None
        }
        if len(self._files) > 1 and self._files["path"].is_at(self._files["deleted_path"]):
            msg = "path and deleted_path must be two files, got one."
            raise InvalidArgumentError(msg)
        self._records: list[dict[str, Any]] = []
        self._deleted: dict[Key, dict[str, Any]] = {}
        self._counts = dict.fromkeys(STATUSES, 0)

    def read(
        self,
        client: CdfClient,
        stream_id: str,
        start: Position,
        *,
        filter: Mapping[str, Any] | None,
        sources: Sequence[Mapping[str, Any]] | None,
        max_records: int,
    ) -> tuple[dict[str, Any], Position]:
        """Return the changes as plain JSON, and where they end; files are there when it returns."""
        place, has_more = start, False
        with using_storages(), ExitStack() as ending:
            ending.callback(self.close)
            pages = pages_from(
                client, stream_id, start, filter=filter, sources=sources, max_records=max_records
            )
            for page, place in pages:  # noqa: B007 (the last one is returned)
                has_more = page.has_next
                for item in page.items:
                    self._add(item, with_properties=sources is not None)
            deleted = list(self._deleted.values())
            if "deleted_path" in self._files:
                for one in deleted:
                    self._files["deleted_path"].write(one)
            for file in self._files.values():
                file.finish()
        result: dict[str, Any] = {"stream_id": stream_id, **self._counts}
        for name, kept, argument in (
            ("records", self._records, "path"),
            ("deleted_records", deleted, "deleted_path"),
        ):
            result |= (
                {argument: shown_url(self._paths[argument])} if argument in self._files else {name: kept}
            )
        return result | {"has_more": has_more, "cursor": place.cursor}, place

    def close(self) -> None:
        """Forget what was read; files that are finished stay."""
        for file in self._files.values():
            file.close()

    def _add(self, item: dict[str, Any], *, with_properties: bool) -> None:
        status = item.get("status")
        self._counts[status if status in STATUSES else "created"] += 1
        record = as_record(item)
        if status == DELETED or not with_properties:
            record.pop("sources", None)
        key = item["space"], item["externalId"]
        if status == DELETED:
            self._deleted[key] = record
            return
        self._deleted.pop(key, None)
        if "path" in self._files:
            self._files["path"].write(record)
        else:
            self._records.append(record)
