"""SQL Server, Oracle and Snowflake, of which there is no server here: their drivers' own errors and types."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import oracledb
import pymssql
import pyodbc
import pytest
from oracledb.errors import _Error as OracleError

from airflow_provider_cdf_records.hooks.databases.drivers import driver_of
from airflow_provider_cdf_records.hooks.databases.mysql_errors import FINAL, PASSING
from airflow_provider_cdf_records.records.unreadable import Unreadable


def is_final(error: Exception) -> bool:
    return driver_of(error, hook=None).is_final(error)


def odbc(kind: type[Exception], state: str, text: str, number: int) -> Exception:
    told = (
        f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{text} ({number}) (SQLExecDirectW)"
    )
    return kind(state, told)


@pytest.mark.parametrize(
    ("number", "final"),
    [
        (102, True),
        (207, True),
        (208, True),
        (229, True),
        (911, True),
        (2812, True),
        (4060, True),
        (18456, True),
        (8134, True),
        (1205, False),
        (1222, False),
        (701, False),
        (10928, False),
        (40197, False),
        (40501, False),
        (40613, False),
        (49918, False),
    ],
)
def test_sql_servers_numbers_say_what_is_final_by_odbc_and_pymssql(number: int, final: bool) -> None:
    assert is_final(odbc(pyodbc.ProgrammingError, "42000", "Something", number)) == final
    assert is_final(odbc(pyodbc.Error, "HY000", "Something", number)) == final
    assert is_final(pymssql.OperationalError(number, b"Something")) == final
    assert is_final(pymssql.OperationalError((number, b"Something"))) == final


@pytest.mark.parametrize("number", [20002, 20003, 20004, 20006, 20009, 20047])
def test_a_sql_server_that_pymssql_cannot_reach_is_worth_a_retry(number: int) -> None:
    error = pymssql.OperationalError((number, b"DB-Lib error message 20009, severity 9"))
    assert not is_final(error)
    assert not is_final(pymssql.InterfaceError("Connection to the database failed for an unknown reason."))


@pytest.mark.parametrize(
    ("kind", "state", "final"),
    [
        (pyodbc.ProgrammingError, "42S02", True),
        (pyodbc.ProgrammingError, "42S22", True),
        (pyodbc.InterfaceError, "28000", True),
        (pyodbc.InterfaceError, "IM002", True),
        (pyodbc.Error, "01000", True),
        (pyodbc.DataError, "22012", True),
        (pyodbc.OperationalError, "08001", False),
        (pyodbc.OperationalError, "08S01", False),
        (pyodbc.OperationalError, "HYT00", False),
        (pyodbc.OperationalError, "HYT01", False),
        (pyodbc.Error, "40001", False),
        (pyodbc.Error, "57014", False),
        (pyodbc.Error, "HY008", False),
        (pyodbc.Error, "HY000", False),
    ],
)
def test_the_sqlstate_says_what_is_final_by_odbc(kind: type[Exception], state: str, final: bool) -> None:
    assert is_final(kind(state, f"[{state}] [A driver]Something (0) (SQLExecDirectW)")) == final


@pytest.mark.parametrize(
    ("message", "final"),
    [
        ('ORA-00904: "NO_COLUMN": invalid identifier', True),
        ("ORA-00942: table or view does not exist", True),
        ("ORA-00933: SQL command not properly ended", True),
        ("ORA-01017: invalid username/password; logon denied", True),
        ("ORA-01031: insufficient privileges", True),
        ("ORA-01722: invalid number", True),
        ("ORA-01843: not a valid month", True),
        ("ORA-12154: TNS:could not resolve the connect identifier specified", True),
        ("ORA-28000: the account is locked", True),
        ("ORA-00020: maximum number of processes exceeded", False),
        ("ORA-00054: resource busy and acquire with NOWAIT specified", False),
        ("ORA-00060: deadlock detected", False),
        ("ORA-01013: user requested cancel of current operation", False),
        ("ORA-01555: snapshot too old", False),
        ("ORA-03113: end-of-file on communication channel", False),
        ("ORA-12514: TNS:listener does not currently know of service", False),
        ("ORA-12541: TNS:no listener", False),
    ],
)
def test_oracles_codes_say_what_is_final(message: str, final: bool) -> None:
    told = OracleError(message)
    assert is_final(told.exc_type(told)) == final


@pytest.mark.parametrize(
    ("number", "arguments", "final"),
    [
        ("ERR_TNS_ENTRY_NOT_FOUND", {"name": "plant", "file_name": "tnsnames.ora"}, True),
        ("ERR_MISSING_BIND_VALUE", {"name": "start"}, True),
        ("ERR_CONNECTION_FAILED", {"exception": "refused", "connection_id": "1"}, False),
        ("ERR_CONNECTION_CLOSED", {}, False),
        ("ERR_CALL_TIMEOUT_EXCEEDED", {"timeout": 1}, False),
    ],
)
def test_oracledbs_own_codes_say_what_is_final(number: str, arguments: dict[str, Any], final: bool) -> None:
    from oracledb import errors

    with pytest.raises(oracledb.Error) as raised:
        errors._raise_err(getattr(errors, number), **arguments)
    assert is_final(raised.value) == final


@pytest.mark.parametrize(
    ("number", "state", "message", "final"),
    [
        (1003, "42000", "SQL compilation error", True),
        (2003, "42S02", "Object does not exist or not authorized", True),
        (604, "57014", "SQL execution canceled", False),
        (630, "57014", "Statement reached its statement or warehouse timeout", False),
    ],
)
def test_snowflakes_timeouts_are_worth_a_retry_and_its_compile_errors_final(
    number: int, state: str, message: str, final: bool
) -> None:
    kind = type("ProgrammingError", (Exception,), {"__module__": "snowflake.connector.errors"})
    error = kind(message)
    error.errno, error.sqlstate = number, state  # type: ignore[attr-defined]
    assert is_final(error) == final


def test_the_numbers_of_mysql_that_are_final_and_passing_are_those_of_its_own_list() -> None:
    from mysql.connector import errorcode

    names = {number: name for name, number in vars(errorcode).items() if isinstance(number, int)}
    of_mariadb_alone = {1927, 1969, 4151}
    assert (FINAL | PASSING) - names.keys() == of_mariadb_alone
    assert not FINAL & PASSING
    assert {names[number] for number in (1045, 1049, 1054, 1146, 1305)} == {
        "ER_ACCESS_DENIED_ERROR",
        "ER_BAD_DB_ERROR",
        "ER_BAD_FIELD_ERROR",
        "ER_NO_SUCH_TABLE",
        "ER_SP_DOES_NOT_EXIST",
    }


MOMENT = datetime(2026, 1, 2, 5, 4, 5, 678000, timezone(timedelta(hours=2)))


def test_moments_for_sql_server_mean_the_same_in_every_language_of_it() -> None:
    driver = driver_of(pymssql.OperationalError(), hook=None)
    assert driver.moment(MOMENT) == "2026-01-02T03:04:05.678"
    assert driver.moment(MOMENT.replace(microsecond=678901)) == "2026-01-02T03:04:05.678901"
    assert driver.moment(MOMENT.replace(tzinfo=None)) == "2026-01-02T05:04:05.678"
    assert driver.date(date(2026, 1, 2)) == "20260102"


class SqlServer:
    """What the driver uses of a connection by ODBC.

    :param size: the characters of its type for timestamps.
    """

    def __init__(self, size: int = 27) -> None:
        self.size = size
        self.converters: dict[int, Any] = {}

    def getinfo(self, what: int) -> str:
        return {pyodbc.SQL_DBMS_NAME: "Microsoft SQL Server"}.get(what, "libmsodbcsql-18.so")

    def add_output_converter(self, kind: int, convert: Any) -> None:
        self.converters[kind] = convert

    def cursor(self) -> Any:
        types = SimpleNamespace(fetchone=lambda: SimpleNamespace(column_size=self.size))
        return SimpleNamespace(getTypeInfo=lambda _: types, close=lambda: None)


@pytest.mark.parametrize(
    ("size", "whole", "cut"), [(27, 1, None), (26, 1, None), (23, 1000, 1), (19, 0, 1000)]
)
def test_digits_of_a_moment_that_odbc_cuts_off_are_told(
    caplog: pytest.LogCaptureFixture, size: int, whole: int, cut: int | None
) -> None:
    driver = driver_of(pyodbc.Error(), hook=None)
    driver.begin(SqlServer(size))
    driver.moment(datetime(2026, 1, 2, microsecond=whole))
    assert "cuts off" not in caplog.text
    if cut is not None:
        driver.moment(datetime(2026, 1, 2, microsecond=cut, tzinfo=timezone.utc))
        assert "the parameter 2026-01-02 00:00:00.00" in caplog.text


def test_a_datetimeoffset_by_odbc_is_a_moment_with_its_offset() -> None:
    conn, driver = SqlServer(), driver_of(pyodbc.Error(), hook=None)
    driver.begin(conn)
    sent = struct.pack("<6hI2h", 2026, 1, 2, 3, 4, 5, 678_901_200, -3, -30)
    there = timezone(-timedelta(hours=3, minutes=30))
    assert conn.converters[-155](sent) == datetime(2026, 1, 2, 3, 4, 5, 678901, there)
    assert driver.moment(MOMENT) == datetime(2026, 1, 2, 3, 4, 5, 678000)
    assert driver.bytes_cast == "CONVERT(varchar(max), {column}, 2)"


def test_oracles_lobs_numbers_and_moments_keep_all_that_they_hold() -> None:
    from airflow_provider_cdf_records.hooks.databases.oracle import output_type

    before = (oracledb.defaults.fetch_lobs, oracledb.defaults.fetch_decimals)

    def var(kind: Any, **arguments: Any) -> Any:
        return SimpleNamespace(kind=kind, **arguments)

    def variable_for(kind: Any) -> Any:
        cursor = SimpleNamespace(arraysize=100, var=var)
        return output_type(cursor, SimpleNamespace(type_code=kind, name="AT"))

    assert variable_for(oracledb.DB_TYPE_CLOB).kind is oracledb.DB_TYPE_LONG
    assert variable_for(oracledb.DB_TYPE_NCLOB).kind is oracledb.DB_TYPE_LONG_NVARCHAR
    assert variable_for(oracledb.DB_TYPE_BLOB).kind is oracledb.DB_TYPE_LONG_RAW
    assert variable_for(oracledb.DB_TYPE_NUMBER).kind is Decimal
    assert variable_for(oracledb.DB_TYPE_DATE) is None
    read = variable_for(oracledb.DB_TYPE_TIMESTAMP_TZ).outconverter(datetime(2026, 1, 2))
    assert isinstance(read, Unreadable)
    assert "SYS_EXTRACT_UTC(AT)" in repr(read)
    assert (oracledb.defaults.fetch_lobs, oracledb.defaults.fetch_decimals) == before
