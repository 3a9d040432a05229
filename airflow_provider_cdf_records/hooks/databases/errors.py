"""Failures of databases: which are worth a retry, and how they are told without secrets."""

from __future__ import annotations

DB_API = frozenset({"Error", "Warning"})  # what the classes of a driver's errors begin with
OF_A_PROGRAM = (ValueError, ArithmeticError, TypeError, LookupError, AttributeError, NotImplementedError)


class QueryError(Exception):
    """A database that cannot be reached, or that refuses the query.

    :param retryable: whether the next try may get through.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


def is_of_a_program(error: Exception) -> bool:
    """Whether an error is one of Python's, for a value or an argument: it stays the same on a retry."""
    return isinstance(error, OF_A_PROGRAM) and not isinstance(error, OSError)


def is_of_a_value(error: Exception) -> bool:
    """Whether an error of fetching is for a value, such as a year that Python does not have."""
    names = {base.__name__ for base in type(error).__mro__}
    if names & DB_API:
        return "DataError" in names
    return is_of_a_program(error)
