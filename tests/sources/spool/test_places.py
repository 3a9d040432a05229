"""Where a spool is kept."""

from __future__ import annotations

from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from airflow_provider_cdf_records.records.errors import StorageError
from airflow_provider_cdf_records.sources.spool.places import StoredSpool


def test_storage_that_does_not_tell_whether_a_spool_is_there_has_not_lost_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = UPath("memory://bucket/a.cdfspool")
    assert StoredSpool(path).open() is None
    path.write_bytes(b"rows")

    def fail(*_: Any, **__: Any) -> None:
        msg = "it does not answer"
        raise ConnectionError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "info", fail)
        with pytest.raises(StorageError, match="does not answer") as refused:
            StoredSpool(path).open()
    assert refused.value.retryable
    spool = StoredSpool(path).open()
    assert spool is not None
    with spool:
        assert spool.read() == b"rows"
    StoredSpool(path).remove()
    assert StoredSpool(path).open() is None
