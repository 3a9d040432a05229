"""What a load can be asked to do that it cannot do. Trying again does not help."""

from __future__ import annotations


class InvalidArgumentError(ValueError):
    """An argument that cannot be meant."""

    retryable = False


class SourceError(Exception):
    """A source that cannot be read as what it is said to be."""

    retryable = False


class LoadStoppedError(Exception):
    """The load was told to stop. The next try can finish it."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("The load was told to stop.")


class LoadFailedError(Exception):
    """Something ended the load half-way.

    :param retryable: whether the next try may get through.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
