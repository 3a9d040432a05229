"""Where the rows of a query are spooled, by the task that the load is of."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path as LocalPath
from typing import Any
from uuid import uuid4

from airflow_provider_cdf_records.hooks.paths import is_path, storage_path
from airflow_provider_cdf_records.hooks.task import owner_of_task
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.spool import LocalSpool, SpoolPlace, StoredSpool
from airflow_provider_cdf_records.sources.spool.places import SUFFIX
from airflow_provider_cdf_records.sources.storage import is_local, is_on_the_web, local_name

FOLDER = "cdf-records-spool-{}"  # with the id of the user, in the temporary folder
LONGEST_NAME = 80  # characters of it that say whose it is
FROM_TEMPLATES = {"True": True, "true": True, "False": False, "false": False, "None": None, "": None}
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


def spool_argument(spool: object) -> object:
    """Return the argument with what templates make of true, false and nothing as such."""
    return FROM_TEMPLATES.get(spool, spool) if isinstance(spool, str) else spool


def spool_place(spool: object, identity: list[Any]) -> SpoolPlace:
    """Return where the spool of a load is: the same for each try of a task with the same query.

    :param spool: ``True``: the temporary folder of this worker; else a folder, or the URL of one.
    :param identity: what the rows depend on: the query, its parameters...
    :raises InvalidArgumentError: when it is neither.
    """
    name = _name_of_spool(identity)
    if spool is True:
        folder = LocalPath(tempfile.gettempdir(), FOLDER.format(os.getuid()))
        return LocalSpool(folder, name, is_private=True)
    if not is_path(spool):
        msg = f"spool must be True, a folder, or the URL of one on storage, got {spool!r}."
        raise InvalidArgumentError(msg)
    folder_path: Any = storage_path(spool, "spool")
    if is_on_the_web(folder_path):
        msg = f"spool {str(folder_path)!r} is on a web server, which files are only read from."
        raise InvalidArgumentError(msg)
    if is_local(folder_path):
        folder = LocalPath(os.path.abspath(local_name(folder_path)))
        if folder.exists() and not folder.is_dir():
            msg = f"spool must be a folder, and {str(spool)!r} is a file."
            raise InvalidArgumentError(msg)
        return LocalSpool(folder, name)
    return StoredSpool(storage_path(folder_path / f"{name}{SUFFIX}", "spool"))


def _name_of_spool(identity: list[Any]) -> str:
    """Return a name that no other load has; outside of a task one that no other has either, so unfound later.

    The parameters may be secret, so that only a digest of them stands there.
    """
    owner = owner_of_task()
    if owner is None:
        return f"load-{uuid4().hex}"
    task = NOT_IN_NAMES.sub("_", owner.task)[:LONGEST_NAME]
    digest = hashlib.sha256(repr([*owner, *identity]).encode(errors="backslashreplace"))
    return f"{task}-{digest.hexdigest()[:32]}"
