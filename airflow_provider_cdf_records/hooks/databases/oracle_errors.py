"""Which errors of Oracle, and of python-oracledb, stay the same on a retry, by their codes."""

from __future__ import annotations

from collections.abc import Iterable


def _codes(numbers: Iterable[int]) -> set[str]:
    return {f"ORA-{number:05}" for number in numbers}


FINAL = frozenset(
    _codes(
        range(900, 1000)
    )  # what the statement says and names: 00904 (column), 00942 (table), 00933 (syntax)
    | _codes(range(1800, 1900))  # dates and their formats
    | _codes(
        {
            1005,  # no password
            1006,  # a bind variable
            1007,
            1008,
            1017,  # wrong user or password
            1031,  # no right to do that
            1036,
            1045,  # no right to connect
            1422,
            1426,
            1427,  # a subquery returns several rows
            1428,
            1476,  # division by zero
            1481,
            1722,  # no number
            1789,
            1790,
            2019,  # no such link to a database
            2289,  # no such sequence
            6502,
            6550,  # a procedure, or what it says
            6553,
            6575,
            12154,  # a name of a database that nobody knows
            12504,  # no service in the address
            22835,
            28000,  # the account is locked
            28001,  # the password has expired
            28040,
        }
    )
    # a name, address, credentials, binds or files that are not there or wrong
    | {f"DPY-{number}" for number in (4000, 4001, 4008, 4009, 4010, 4017, 4018, 4021, 4022, 4026, 4027, 4028)}
)
PASSING = frozenset(
    {"DPY-1001", "DPY-4011", "DPY-4024", "DPY-4005", "DPY-4033"}
)  # a lost connection, a time-out


def code_of(error: Exception) -> str | None:
    """Return the code of an error, such as ``ORA-00942``."""
    told = error.args[0] if error.args else None
    code = getattr(told, "full_code", None)
    return code if isinstance(code, str) else None
