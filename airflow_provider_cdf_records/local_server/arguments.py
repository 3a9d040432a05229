"""The command line's options; imports only the standard library, so that ``--help`` always works."""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path

from airflow_provider_cdf_records.local_server.settings import DEFAULT_FAULT_RATE, Quota, Settings

DEFAULTS = Settings(database=Path("cdf.sqlite"))
NOT_SETTINGS = {"host", "port", "load", "faults", "fault_rate", "strict"}


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line; exit with a message when they are wrong."""
    return parser().parse_args()


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings that the options ask for."""
    given = {name: value for name, value in vars(arguments).items() if name not in NOT_SETTINGS}
    by_client = ("clients", "client_certificates", "federated_issuers")
    return Settings(**given | {name: dict(given[name]) for name in by_client})


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m airflow_provider_cdf_records.local_server``."""
    whole = argparse.ArgumentParser(
        prog="python -m airflow_provider_cdf_records.local_server",
        description="A local stand-in for CDF's Records service, for a first run and for tests.",
    )
    add = whole.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8765, help="port to listen on (%(default)s); 0 for any free one")
    add(
        "--database",
        type=Path,
        default=DEFAULTS.database,
        metavar="FILE",
        help="SQLite file that keeps the data (%(default)s)",
    )
    add("--load", type=Path, metavar="FILE", help="YAML or JSON of spaces, containers and streams to create")
    strictness = whole.add_mutually_exclusive_group()
    strictness.add_argument(
        "--strict",
        action="store_true",
        default=True,
        help="refuse records that name what does not exist, as CDF does (the default)",
    )
    strictness.add_argument(
        "--create-missing",
        action="store_true",
        help="create the spaces, containers, properties and streams that records name",
    )
    access = whole.add_argument_group("access")
    add = access.add_argument
    add_repeatable = partial(add, action="append", default=[])
    add("--project", default=DEFAULTS.project, help="the one CDF project (%(default)s)")
    add("--client-id", default=DEFAULTS.client_id, help="client id to log in with (%(default)s)")
    add("--client-secret", default=DEFAULTS.client_secret, help="secret of that client (%(default)s)")
    add_repeatable(
        "--client",
        dest="clients",
        type=_client,
        metavar="ID:SECRET",
        help="another client, with limits of its own; can be given several times",
    )
    add_repeatable(
        "--client-certificate",
        dest="client_certificates",
        type=_client_file,
        metavar="ID:FILE",
        help="a client that signs assertions instead of having a secret, and its certificate or public key "
        "(PEM); can be given several times",
    )
    add_repeatable(
        "--federated-issuer",
        dest="federated_issuers",
        type=_client_file,
        metavar="ID:FILE",
        help="a client that a platform vouches for with federated tokens, and the platform's certificate or "
        "public key (PEM); a token has the audience api://AzureADTokenExchange; can be given several times",
    )
    add_repeatable(
        "--allow-host",
        dest="allowed_hosts",
        metavar="NAME",
        help="another name that the server answers to, such as host.docker.internal; on a loopback address "
        "it answers to names of this machine only; can be given several times",
    )
    add(
        "--token-lifetime",
        type=_amount,
        default=DEFAULTS.token_lifetime,
        metavar="SECONDS",
        help="time that a token is valid (%(default)g)",
    )
    behaviour = whole.add_argument_group("behaviour of a real CDF")
    add = behaviour.add_argument
    add(
        "--visibility-delay",
        type=_amount,
        default=DEFAULTS.visibility_delay,
        metavar="SECONDS",
        help="time until queries see an accepted change (%(default)g)",
    )
    add(
        "--visibility-jitter",
        type=_amount,
        default=DEFAULTS.visibility_jitter,
        metavar="SECONDS",
        help="more of that time at most, another for each request (%(default)g)",
    )
    add(
        "--visibility-seed",
        type=int,
        default=DEFAULTS.visibility_seed,
        metavar="SEED",
        help="of these times, which are the same for the same requests in the same order (%(default)s)",
    )
    add(
        "--latency",
        type=_amount,
        default=DEFAULTS.latency,
        metavar="SECONDS",
        help="time added to each request (%(default)g)",
    )
    for name, what in (
        ("requests-per-second", "requests a second"),
        ("parallel-requests", "requests at a time"),
        ("bytes-per-second", "bytes a second"),
    ):
        add(
            f"--{name}",
            type=_quota,
            default=Quota(),
            metavar="PROJECT[:IDENTITY]",
            help=f"most {what} of the project and of each identity; above that the answer is 429",
        )
    add(
        "--parallel-writes",
        type=_positive,
        metavar="N",
        help="most upserts, ingests and deletes at a time; above that the answer is 429 (CDF: about 20)",
    )
    add(
        "--query-limits",
        action="store_true",
        help="answer 429 to more queries of mutable streams a second than CDF allows: 20 filters, "
        "15 aggregates, 40 in all (sync as well)",
    )
    add(
        "--max-records",
        type=_whole,
        metavar="N",
        help="most records that a stream can hold (by default what its template says)",
    )
    add(
        "--max-gigabytes",
        type=_amount,
        metavar="GB",
        help="most data that a stream can hold (by default what its template says)",
    )
    add(
        "--max-streams",
        type=_streams,
        default=DEFAULTS.max_streams,
        metavar="N[:DELETED]",
        help="how many streams there can be, and how many deleted ones whose ids are still reserved; when "
        "there are as many, none can be created (by default any number; CDF: 3:30)",
    )
    add(
        "--partial-writes",
        action="store_true",
        help="let a request that is refused for some of its records store the others, as CDF may",
    )
    add(
        "--faults",
        type=int,
        metavar="SEED",
        help="let some record writes fail, the same ones for the same seed",
    )
    add(
        "--fault-rate",
        type=_share,
        default=DEFAULT_FAULT_RATE,
        metavar="SHARE",
        help="share of record writes that get a fault (%(default)g)",
    )
    return whole


def _amount(text: str) -> float:
    amount = _number(text)
    if not 0 <= amount < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of 0 or more, got {text!r}")
    return amount


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}")
    return share


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a whole number of 0 or more, got {text!r}")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


def _quota(text: str) -> Quota:
    project, _, identity = text.partition(":")
    return Quota(*(_positive(part) if part else None for part in (project, identity)))


def _streams(text: str) -> tuple[int | None, int | None]:
    active, _, deleted = text.partition(":")
    return (_whole(active) if active else None), (_whole(deleted) if deleted else None)


def _positive(text: str) -> float:
    amount = _amount(text)
    if not amount:
        raise argparse.ArgumentTypeError("must be more than 0, got 0")
    return amount


def _client(text: str) -> tuple[str, str]:
    client, _, secret = text.partition(":")
    if not client or not secret:
        raise argparse.ArgumentTypeError("must be ID:SECRET")
    return client, secret


def _client_file(text: str) -> tuple[str, Path]:
    client, _, path = text.partition(":")
    if not client or not path:
        raise argparse.ArgumentTypeError("must be ID:FILE")
    return client, Path(path)
