"""What a load can be asked to do that it cannot do. Trying again does not help."""

from __future__ import annotations


class InvalidArgumentError(ValueError):
    """An argument that cannot be meant."""

    retryable = False


class SourceError(Exception):
    """A source that cannot be read as what it is said to be."""

    retryable = False
