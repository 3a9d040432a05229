"""Finds out whether an object can be written, before the first record is read, and leaves nothing behind."""

from __future__ import annotations

import secrets
from contextlib import suppress
from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.sources.storage import is_folder, look_at, protocol_of

PROBE = ".cdf-rejected-probe"  # a name that loads of a folder leave out
AZURE = "abfs"
UPLOADS_CAN_END = frozenset({"s3", "gs"})  # whose uploads of several parts can be given up
WITHOUT_FOLDERS = UPLOADS_CAN_END | {AZURE}


def check_writable(path: Any) -> None:
    """Ask the storage to take a file, and take that back.

    Stores of objects have what nobody sees: a block that is not committed, an upload that is given up.
    Elsewhere a file of another name is written beside it and removed.

    :raises Exception: any of the storage's library, when it cannot be written.
    """
    protocol = protocol_of(path)
    if protocol == AZURE:
        _stage_block(path.fs, path.path)
    elif protocol in UPLOADS_CAN_END:
        _begin_upload(path.fs, path.path)
    else:
        _write_and_remove(path)


def make_folder_of(path: Any) -> None:
    """Make the folder of a file, where the storage has folders."""
    if protocol_of(path) not in WITHOUT_FOLDERS and not path.parent.exists():
        path.fs.makedirs(path.parent.path, exist_ok=True)


def _stage_block(file_system: Any, key: str) -> None:
    container, name, _ = file_system.split_path(key)

    async def stage() -> None:
        async with file_system.service_client.get_blob_client(container, name) as blob:
            await blob.stage_block(block_id=secrets.token_hex(16), data=b"\n")  # as long as adlfs's ids

    import_module("fsspec.asyn").sync(file_system.loop, stage)


def _begin_upload(file_system: Any, key: str) -> None:
    file = file_system.open(key, "wb", autocommit=False)
    try:
        file.write(b"\n")
        file.close()
    except BaseException:
        file.closed = True  # else it tries again when it is forgotten
        raise
    file.discard()


def _write_and_remove(path: Any) -> None:
    folder = next((one for one in path.parents if look_at(one) is not None), path.parent)
    if not is_folder(folder):
        msg = f"{folder} is not a folder"
        raise NotADirectoryError(msg)
    probe = folder / PROBE
    with probe.open("wb") as file:
        file.write(b"\n")
    with suppress(Exception):  # another load may have removed it, and some may write who may not remove
        probe.unlink()
