"""Show in a minute what the package does, in a real Airflow against the local server: ``make demo``.

It writes to ``.demo/`` only (and bytecode beside its source), and leaves nothing running. It ends with exit
code 0 only where everything is as shown.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from dev.demo.folder import emptied
from dev.demo.in_airflow import Airflow, NotAsShown, output_in, settings_for
from dev.demo.server import ROOT
from dev.own_airflow import forget_the_users_airflow, need_airflow_3
from dev.progress import Progress

NEXT = """
Next:
  1. make demo-up
     The same in Airflow's pages and the local server's, with a load every minute.    docs/local-server.md
  2. .venv/bin/python -m airflow_provider_cdf_records suggest FILE.csv --space plant --container Alarm
     A mapping, a data model and a DAG for a file of your own.                        docs/tutorial.md
  3. .venv/bin/airflow connections add cdf_default --conn-type cdf --conn-host westeurope-1 ...
     The same against your CDF project: what to fill in, and what it needs.           docs/connect.md
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / ".demo", help="folder to write to (.demo)")
    parser.add_argument("--since", type=float, default=time.time(), help="when this began (epoch seconds)")
    arguments = parser.parse_args()
    need_airflow_3("make demo")
    work = arguments.work.resolve()
    forget_the_users_airflow()
    os.environ.update(settings_for(work))
    log = work / "demo.log"
    with emptied(work), output_in(log) as screen:
        progress = Progress(screen)
        try:
            show(work, log, progress)
        except KeyboardInterrupt:
            sys.exit(130)
        except Exception as error:
            progress.say(f"\nNOT AS IT SHOULD BE: {error}\nWhat Airflow logged is in {log}")
            if not isinstance(error, NotAsShown):
                raise
            sys.exit(1)
        progress.say(NEXT)
        progress.say(
            f"All of it is as shown, after {time.time() - arguments.since:.0f} s. "
            f"Nothing is left running; logs and files are in {shown(work)}/."
        )


def show(work: Path, log: Path, progress: Progress) -> None:
    with progress.doing("Starting the local server, which stands in for CDF"):
        from airflow_provider_cdf_records.local_server import LocalServer
        from dev.demo.scenes import DELAY, Demo

        server = LocalServer(work / "cdf.sqlite", visibility_delay=DELAY)
    with server:
        server.load(ROOT / "example_dags" / "cdf.yaml")
        os.environ["AIRFLOW_CONN_CDF_DEFAULT"] = server.connection_json()
        airflow = Airflow(log)
        with progress.doing("Starting Airflow, with a database of its own"):
            airflow.start()
        Demo(airflow, server, progress).play()


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # to free all that Airflow has imported takes Python seconds, and nobody needs it
