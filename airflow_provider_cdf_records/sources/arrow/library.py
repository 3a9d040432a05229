"""Imports ``pyarrow``, which is an extra."""

from __future__ import annotations

from typing import Any


class MissingLibraryError(ValueError):
    """``pyarrow`` is not installed; the message goes after what needs it."""


def import_pyarrow() -> Any:
    """Return ``pyarrow``.

    :raises MissingLibraryError: when it is not installed.
    """
    try:
        import pyarrow  # noqa: PLC0415 (an extra)
        import pyarrow.ipc  # noqa: PLC0415
    except ImportError:
        msg = "needs pyarrow: pip install 'airflow-provider-cdf-records[parquet]'."
        raise MissingLibraryError(msg) from None
    return pyarrow
