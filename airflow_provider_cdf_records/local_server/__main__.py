"""``python -m airflow_provider_cdf_records.local_server``: a local CDF to try things against."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable

from airflow_provider_cdf_records.local_server.arguments import parse_arguments, settings_of

MISSING = (
    "The local server needs starlette and uvicorn ({error}): "
    "pip install 'airflow-provider-cdf-records[local-server]'"
)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    _on_ending(lambda *_: sys.exit())
    arguments = parse_arguments()
    try:
        from airflow_provider_cdf_records.local_server import running  # noqa: PLC0415
        from airflow_provider_cdf_records.local_server.http import faults, hosts  # noqa: PLC0415
    except ImportError as error:
        sys.exit(MISSING.format(error=error))
    try:
        listening = running.listening_socket(arguments.host, arguments.port)
    except (OSError, OverflowError) as error:
        where, why = f"{arguments.host}:{arguments.port}", str(error).rstrip(".")
        sys.exit(
            f"Cannot listen on {where}: {why}. --port 0 takes any free port, "
            "--host an address of this machine."
        )
    settings = settings_of(arguments)
    try:
        app = running.make_app(settings, listening, arguments.host, arguments.load)
    except ValueError as error:
        sys.exit(f"Cannot start: {error}")
    if arguments.faults is not None:
        app.faults.plan = faults.FaultPlan(arguments.faults, arguments.fault_rate)
    server = running.make_server(app)

    def stop(*_: object) -> None:
        server.should_exit = True

    _on_ending(stop)  # uvicorn has its own while it serves, and comes back to these
    url = running.url_of(listening)
    print(f"A local CDF, project {settings.project!r}, at {url}, data in {settings.database}. For Airflow:")
    print(f"export AIRFLOW_CONN_CDF_DEFAULT={shlex.quote(running.connection_json(url, settings))}")
    print(f"To see streams, records and requests, open {url}/", flush=True)
    if not hosts.is_loopback(running.address_of(listening)):
        print(
            "Careful: the server can be reached from other machines, this is plain http, and the page shows "
            "records without a login.",
            flush=True,
        )
    if not server.should_exit:  # it would end with a traceback in older versions of uvicorn
        server.run(sockets=[listening])
    app.project.close()  # which the server leaves open when it is stopped while it starts


def _on_ending(handler: Callable[..., None]) -> None:
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, handler)


if __name__ == "__main__":
    main()
