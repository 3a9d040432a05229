"""What the pipeline asks of a path."""

from __future__ import annotations

from typing import IO, Any, Protocol


class StoragePath(Protocol):
    """A file anywhere: ``pathlib.Path``, ``UPath`` and ``ObjectStoragePath`` are such."""

    @property
    def name(self) -> str:
        """The last part of the path."""

    def open(self, mode: str) -> IO[bytes]:
        """Open the file."""

    def exists(self) -> bool:
        """Whether there is something."""

    def is_dir(self) -> bool:
        """Whether it is a folder."""

    def stat(self) -> Any:
        """Return an object with ``st_size``, in bytes."""

    def unlink(self) -> None:
        """Remove the file."""
