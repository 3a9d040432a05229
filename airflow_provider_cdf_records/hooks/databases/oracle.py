"""Oracle, by oracledb."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import DriverThatCancels
from airflow_provider_cdf_records.hooks.databases.oracle_errors import FINAL, PASSING, code_of
from airflow_provider_cdf_records.records.unreadable import Unreadable

ROWS_AT_ONCE = 1000  # a trip to the server
MOMENT_CAST = "SYS_EXTRACT_UTC({column})"


class OracleDriver(DriverThatCancels):
    """Oracle. LOBs come as their texts and bytes, numbers with all their digits."""

    packages = ("oracledb", "cx_Oracle")
    text_cast = "TO_CHAR({column})"
    bytes_cast = "RAWTOHEX({column})"

    def begin(self, conn: Any) -> None:
        with conn.cursor() as cursor:  # moments are compared, and come, in the session's time zone
            cursor.execute("ALTER SESSION SET TIME_ZONE = '+00:00'")
        conn.outputtypehandler = output_type
        cursor = conn.cursor()
        cursor.arraysize = cursor.prefetchrows = ROWS_AT_ONCE
        self._cursor = cursor  # which makes parameters, too

    def cursor(self, conn: Any) -> Any:  # noqa: ARG002 (the one of before)
        return self._cursor

    def is_final(self, error: Exception) -> bool:
        code = code_of(error)
        if code in FINAL:
            return True
        return code not in PASSING and super().is_final(error)

    def moment(self, moment: datetime) -> Any:
        """Return a moment in UTC, the session's time zone; with its microseconds, which ``DATE`` has not."""
        import oracledb  # noqa: PLC0415 (may not be installed)

        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        if not moment.microsecond:
            return moment
        parameter = self._cursor.var(oracledb.DB_TYPE_TIMESTAMP)
        parameter.setvalue(0, moment)
        return parameter


def output_type(cursor: Any, metadata: Any) -> Any:
    """Return a variable for the values of a column, where the usual one loses something of them."""
    import oracledb  # noqa: PLC0415 (may not be installed)

    as_type = {
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
        oracledb.DB_TYPE_NUMBER: Decimal,
    }
    kind = metadata.type_code
    if kind in as_type:
        return cursor.var(as_type[kind], arraysize=cursor.arraysize)
    if kind in (oracledb.DB_TYPE_TIMESTAMP_TZ, oracledb.DB_TYPE_TIMESTAMP_LTZ):
        what = MOMENT_CAST.format(column=metadata.name)
        why = f"a moment whose time zone the driver does not give; write {what} in the query"
        return cursor.var(kind, arraysize=cursor.arraysize, outconverter=lambda value: Unreadable(why, value))
    return None
