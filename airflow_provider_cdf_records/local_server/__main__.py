"""``python -m airflow_provider_cdf_records.local_server``: a local CDF to try things against."""

from __future__ import annotations

import argparse
import ipaddress
import signal
import sys
from pathlib import Path

MISSING = (
    "The local server needs starlette and uvicorn ({error}): "
    "pip install 'airflow-provider-cdf-records[local-server]'"
)


def main() -> None:
    """Serve until told to stop."""
    arguments = _parser().parse_args()
    try:
        from airflow_provider_cdf_records.local_server.app import LocalCdf  # noqa: PLC0415
        from airflow_provider_cdf_records.local_server.project import Project  # noqa: PLC0415
        from airflow_provider_cdf_records.local_server.running import (  # noqa: PLC0415
            connection_json,
            listening_socket,
            make_server,
            url_of,
        )
        from airflow_provider_cdf_records.local_server.settings import Settings  # noqa: PLC0415
    except ImportError as error:
        sys.exit(MISSING.format(error=error))
    settings = Settings(
        database=arguments.database,
        project=arguments.project,
        client_id=arguments.client_id,
        client_secret=arguments.client_secret,
        token_lifetime=arguments.token_lifetime,
        visibility_delay=arguments.visibility_delay,
    )
    try:
        listening = listening_socket(arguments.host, arguments.port)
    except OSError as error:
        sys.exit(
            f"Cannot listen on {arguments.host}:{arguments.port}: {error}. --port 0 takes any free port."
        )
    server = make_server(LocalCdf(Project(settings)))
    url = url_of(listening)
    print(f"A local CDF, project {settings.project!r}, at {url}, data in {settings.database}. For Airflow:")
    print(f"export AIRFLOW_CONN_CDF_DEFAULT='{connection_json(url, settings)}'", flush=True)
    if not _is_loopback(arguments.host):
        print(
            f"Careful: {arguments.host} can be reached from other machines, and this is plain http.",
            flush=True,
        )
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: None)  # uvicorn raises it again once it has shut down
    server.run(sockets=[listening])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_cdf_records.local_server",
        description="A local stand-in for CDF's Records service, for a first run and for tests.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on; 0 for any free one")
    parser.add_argument(
        "--database", type=Path, default=Path("cdf.sqlite"), help="SQLite file that keeps the data"
    )
    parser.add_argument("--project", default="local", help="the one CDF project")
    parser.add_argument("--client-id", default="local-client", help="what clients log in with")
    parser.add_argument("--client-secret", default="local-secret", help="and its secret")
    parser.add_argument("--token-lifetime", type=float, default=3600, help="seconds that a token is good for")
    parser.add_argument(
        "--visibility-delay", type=float, default=0, help="seconds until an accepted record can be queried"
    )
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
