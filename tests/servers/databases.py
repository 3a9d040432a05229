"""PostgreSQL and MariaDB, each a server of the test process's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers.processes import free_port, program, run_to_its_end, running, server_folder, user_for
from tests.waiting import SOON

PASSWORD = "the-password-of-the-database"
DATABASE = "plant"
POSTGRES_BINARIES = "/usr/lib/postgresql/*/bin/{}"
IN_POSTGRES = (
    "CREATE EXTENSION hstore",
    "CREATE EXTENSION citext",
    "CREATE TYPE mood AS ENUM ('calm', 'wild')",
)
WITHOUT_KERNEL_AIO = "--innodb-use-native-aio=0"  # of which a machine has a bounded number of requests
ODBC_DRIVER = "/usr/lib/*/odbc/libmaodbc.so"


@dataclass
class Database:
    """A database server, and connections of the test's own.

    :ivar connect: opens a connection that commits by itself.
    :ivar connections: selects what goes on for others: a row for each.
    """

    port: int
    user: str
    connect: Callable[[], Any]
    connections: str

    def execute(self, *statements: str) -> list[Any]:
        """Execute statements, and return the rows of the last where it has any."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def going_on(self) -> list[Any]:
        """Return what goes on for somebody else."""
        return self.execute(self.connections)

    def left_over(self) -> list[Any]:
        """Return what still goes on a moment later, when the server has noticed what was closed."""
        deadline = time.monotonic() + SOON
        while (left := self.going_on()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left


@contextmanager
def postgres_server() -> Iterator[Database]:
    """A PostgreSQL with the database ``plant``, reached by TCP with a password."""
    import psycopg

    user = user_for("postgres")
    with server_folder(user) as folder:
        data, password = folder / "data", folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [program(POSTGRES_BINARIES.format("initdb"), "initdb"), "--no-sync", "--username=postgres"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8"]
        run_to_its_end([*command, str(data)], folder, user)
        port = free_port()

        def connect(name: str = DATABASE) -> Any:
            return psycopg.connect(
                host="127.0.0.1",
                port=port,
                user="postgres",
                password=PASSWORD,
                dbname=name,
                autocommit=True,
            )

        def is_ready() -> bool:
            try:
                connect("postgres").close()
            except psycopg.OperationalError:
                return False
            return True

        server = [program(POSTGRES_BINARIES.format("postgres"), "postgres"), "-D", str(data), "-p", str(port)]
        server += ["-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
        with running(server, is_ready, folder, user):
            with closing(connect("postgres")) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
            database = Database(
                port,
                "postgres",
                connect,
                "SELECT state, query FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
            )
            database.execute(*IN_POSTGRES)
            yield database


@contextmanager
def mariadb_server() -> Iterator[Database]:
    """A MariaDB with the database ``plant``, reached by TCP with a password."""
    import pymysql

    user = user_for("mysql")
    with server_folder(user) as folder:
        data, socket = folder / "data", folder / "s.sock"
        start = folder / "start.sql"
        start.write_text(
            f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;\n"
            f"CREATE USER 'loader'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO 'loader'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        install = [program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        tmpdir = f"--tmpdir={folder}"  # a server that starts removes what another one keeps in the same
        run_to_its_end([*install, WITHOUT_KERNEL_AIO, tmpdir], folder, user)
        port = free_port()

        def connect() -> Any:
            return pymysql.connect(
                host="127.0.0.1",
                port=port,
                user="loader",
                password=PASSWORD,
                database=DATABASE,
                autocommit=True,
                charset="utf8mb4",
            )

        def is_ready() -> bool:
            try:
                connect().close()
            except pymysql.err.OperationalError:
                return False
            return True

        server = [program("mariadbd", "/usr/sbin/mariadbd"), "--no-defaults", f"--datadir={data}"]
        server += [f"--port={port}", f"--socket={socket}", "--bind-address=127.0.0.1", f"--init-file={start}"]
        server += ["--skip-name-resolve", WITHOUT_KERNEL_AIO, tmpdir, "--innodb-flush-log-at-trx-commit=0"]
        with running(server, is_ready, folder, user):
            yield Database(
                port,
                "loader",
                connect,
                "SELECT command, info FROM information_schema.processlist "
                "WHERE user = 'loader' AND id <> connection_id()",
            )


def odbc_driver() -> str:
    """Return the file of MariaDB's ODBC driver."""
    return program(ODBC_DRIVER)


def connection_fields(kind: str, server: Database, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an Airflow connection of a type to a server, as its JSON has it."""
    fields: dict[str, Any] = {"conn_type": kind, "host": "127.0.0.1", "port": server.port}
    fields |= {"login": server.user, "password": PASSWORD, "schema": DATABASE, "extra": extra or {}}
    if kind == "odbc":
        fields["extra"] = {"driver": odbc_driver(), **(extra or {})}
    return fields
