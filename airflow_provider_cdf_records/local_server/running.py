"""Run the server: in a thread, for tests, and for the command line."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import uvicorn

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.definitions import load
from airflow_provider_cdf_records.local_server.http.app import LocalCdf
from airflow_provider_cdf_records.local_server.http.faults import FaultPlan
from airflow_provider_cdf_records.local_server.http.request_log import LoggedRequest
from airflow_provider_cdf_records.local_server.settings import DEFAULT_FAULT_RATE, Settings
from airflow_provider_cdf_records.local_server.state.project import Project

STOP_WITHIN = 30.0  # seconds


class LocalServer:
    """The local server on a free port of this machine, in a thread.

    .. code-block:: python

        with LocalServer() as server:
            os.environ["AIRFLOW_CONN_CDF_DEFAULT"] = server.connection_json()

    :param database: the SQLite file to use, which is kept; by default a temporary one.
    :param port: 0 for any free port.
    :param settings: other fields of :class:`.Settings`, such as ``token_lifetime`` and ``visibility_delay``.
    """

    def __init__(
        self,
        database: str | Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        **settings: Any,
    ) -> None:
        self._folder = TemporaryDirectory(prefix="cdf-local-server-") if database is None else None
        path = Path(database) if database is not None else Path(self._folder.name) / "cdf.sqlite"  # type: ignore[union-attr]
        self.settings = replace(Settings(path), **settings)
        self._socket = listening_socket(host, port)
        try:
            self._app = make_app(self.settings, self._socket, host)
        except ValueError:
            self._release()
            raise
        self._server = make_server(self._app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="cdf-local-server", daemon=True
        )
        self.url = url_of(self._socket)

    def __enter__(self) -> LocalServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_WITHIN)
        self._app.project.close()  # which the server leaves open when it is stopped while it starts
        self._release()

    def _release(self) -> None:
        self._socket.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def clock(self) -> Clock:
        """The server's time: ``server.clock.advance(60)`` lets a minute pass at once."""
        return self.settings.clock

    @property
    def token_url(self) -> str:
        """The address that issues tokens."""
        return f"{self.url}/oauth2/token"

    def connection_json(self) -> str:
        """Return an Airflow connection to this server as JSON, for ``AIRFLOW_CONN_CDF_DEFAULT``."""
        return connection_json(self.url, self.settings)

    def load(self, definitions: str | Path | Mapping[str, Any]) -> None:
        """Create the spaces, containers and streams of a YAML or JSON file, or of a mapping of that form.

        :raises DefinitionsError: naming the definition that is wrong.
        """
        load(self._app.project, definitions)

    def records(self, stream_id: str) -> list[dict[str, Any]]:
        """Return all records of a stream as a query answers them, also those that queries do not see yet."""
        return self._app.project.queries.all(stream_id)

    def last_requests(self) -> list[LoggedRequest]:
        """Return the last 100 requests, the newest first: the path, status, size, ... of each."""
        return self._app.request_log.last()

    @contextmanager
    def faults(self, seed: int, rate: float = DEFAULT_FAULT_RATE, **options: Any) -> Iterator[FaultPlan]:
        """Let faults happen to a share of the record writes; the same seed makes the same faults.

        :param options: other arguments of :class:`.FaultPlan`.
        """
        plan = FaultPlan(seed, rate, **options)
        self._app.faults.plan = plan
        try:
            yield plan
        finally:
            self._app.faults.plan = None
            plan.release()


def connection_json(url: str, settings: Settings) -> str:
    """Return an Airflow connection to a server as JSON."""
    return json.dumps(
        {
            "conn_type": "cdf",
            "host": url,
            "schema": settings.project,
            "login": settings.client_id,
            "password": settings.client_secret,
            "extra": {"token_url": f"{url}/oauth2/token"},
        }
    )


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; its port is known and reserved before the server starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer takes 40 ms longer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # from now on requests wait for the server to start, instead of being refused
    except OSError:
        listening.close()
        raise
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the IP address that a socket listens on."""
    return str(listening.getsockname()[0])


def url_of(listening: socket.socket) -> str:
    """Return the URL that a socket can be reached at from this machine."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (read, not bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_app(
    settings: Settings, listening: socket.socket, host: str, definitions: Path | None = None
) -> LocalCdf:
    """Return the application, with its database open and the definitions of a file loaded.

    :param listening: the socket that it is served on.
    :param host: the name that the socket was made for.
    :raises ValueError: the database, the definitions, a client's key or an allowed host cannot be used.
    """
    project = Project(settings)
    try:
        if definitions is not None:
            load(project, definitions)
        return LocalCdf(project, address_of(listening), host)
    except ValueError:
        project.close()
        raise


def make_server(app: LocalCdf) -> uvicorn.Server:
    """Return a server that is ready to run on a socket."""
    config = uvicorn.Config(
        app,
        http=app.connections.protocol(),
        log_level="warning",
        access_log=False,
        date_header=False,  # the application's is by the server's own clock
        proxy_headers=False,  # clients are told apart by the address of their connection
        lifespan="on",
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(config)
