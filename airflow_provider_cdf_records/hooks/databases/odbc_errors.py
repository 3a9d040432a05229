"""Which errors of ODBC stay the same on a retry, by their SQLSTATE and the database's own numbers."""

from __future__ import annotations

import re

from airflow_provider_cdf_records.hooks.databases import mysql_errors, sqlserver_errors

NUMBER = re.compile(r"\((-?[0-9]+)\) \(SQL[A-Za-z]+\)")  # "... doesn't exist (1146) (SQLExecDirectW)"
WITHOUT_PARAMETERS = "(1835) (SQLExecDirect"  # how MariaDB refuses a query with ? that gets no parameters
# What a message names, and whose numbers it has then.
NUMBERS = {
    "[SQL Server]": sqlserver_errors.is_final_number,
    "[ma-": mysql_errors.is_final_number,
    "MariaDB": mysql_errors.is_final_number,
    "[MySQL]": mysql_errors.is_final_number,
    "[mysqld-": mysql_errors.is_final_number,
}
FINAL_STATES = (
    "01000",  # the manager of drivers: a driver's library cannot be opened
    "07",  # parameters
    "0A",  # not supported
    "21",  # numbers of columns or rows
    "22",  # values
    "28",  # wrong user or password
    "2A",
    "34",
    "37",
    "3C",
    "3D",  # no such database
    "3F",  # no such schema
    "42",  # syntax, names, rights
    "44",
    "HYC00",  # not supported
    "IM",  # the manager of drivers: no such driver or data source
    "S0",
)
PASSING_STATES = (
    "08",
    "40",
    "53",
    "55",
    "57",
    "58",
    "HYT",
    "HY008",
)  # connection, conflicts, time-outs, stopped


def is_final(error: Exception) -> bool | None:
    """Return whether an error stays the same on a retry; ``None`` where neither number nor SQLSTATE says."""
    state, message = [str(arg) for arg in (*error.args, "", "")][:2]
    if WITHOUT_PARAMETERS in message:
        return True
    for name, is_final_number in NUMBERS.items():
        if name in message and (found := NUMBER.search(message)):
            says = is_final_number(int(found[1]))
            if says is not None:
                return says
    if state.startswith(PASSING_STATES):
        return False
    return True if state.startswith(FINAL_STATES) else None
