"""A session of MySQL or MariaDB, by whatever driver: how it is killed, and its time zone."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone, tzinfo
from typing import Any

from airflow_provider_cdf_records.hooks.databases.mysql_errors import GONE
from airflow_provider_cdf_records.hooks.databases.second_connection import end_from_second_connection
from airflow_provider_cdf_records.mapping.types import offset_of, time_zone_of

LOOK = "SELECT CONNECTION_ID(), @@session.time_zone, @@session.time_zone = @@global.time_zone"


class MysqlSession:
    """The session of a connection; its time zone becomes UTC, if it is the server's.

    ``TIMESTAMP`` columns hold moments, which the server converts to the session's zone and back: they would
    come, and be compared, as local times of the server's zone, which nobody names. A zone that the
    connection itself has set (``init_command``) is kept.

    :ivar time_zone: of the session.
    :raises InvalidArgumentError: when the zone that was set is not known here.
    """

    def __init__(self, hook: Any, conn: Any) -> None:
        self._hook = hook
        with closing(conn.cursor()) as cursor:
            cursor.execute(LOOK)
            (row,) = cursor.fetchall()
            self._id, name, is_the_servers = row.values() if isinstance(row, dict) else row
            if is_the_servers:
                cursor.execute("SET time_zone = '+00:00'")
        self.time_zone: tzinfo = timezone.utc if is_the_servers else _zone(str(name))

    def kill(self) -> None:
        """End the connection on the server, and with it what it executes or sends."""
        end_from_second_connection(self._hook, f"KILL {int(self._id)}", GONE)

    def moment(self, moment: datetime) -> datetime:
        """Return a moment in the session's time zone; one without a zone stays as it is."""
        return moment if moment.tzinfo is None else moment.astimezone(self.time_zone).replace(tzinfo=None)


def _zone(name: str) -> tzinfo:
    return offset_of(name) or time_zone_of(name)
