"""Errors that end a load; ``retryable`` says whether another try may succeed."""

from __future__ import annotations


class InvalidArgumentError(ValueError):
    """An argument that makes no sense."""

    retryable = False


class SourceError(Exception):
    """A source that cannot be read, or not in the format that was named."""

    retryable = False


class MissingSourceError(SourceError):
    """A path or pattern that matches no file."""


class StorageError(SourceError):
    """Storage that does not give what is asked of it.

    :param retryable: whether the next try may succeed.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class FileChangedError(StorageError):
    """A file that changed while it was read; what was read of it belongs to no version."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class EmptySourceError(SourceError):
    """A source without rows, for a load that needs some."""


class LoadStoppedError(Exception):
    """The load was told to stop; the next try goes on where it stopped."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("The load was told to stop.")


class LoadFailedError(Exception):
    """A load that ended before all rows were settled.

    :param retryable: whether the next try may succeed.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
