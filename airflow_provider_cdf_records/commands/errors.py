"""The error that ends a command."""

from __future__ import annotations


class UsageError(Exception):
    """Arguments, or a file that they name, that a command cannot work with; the message says what to do."""
