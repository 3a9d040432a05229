"""The command line's options; this module must not need more than the standard library."""

from __future__ import annotations

import argparse
import ipaddress
from pathlib import Path

from airflow_provider_cdf_records.local_server.settings import DEFAULT_FAULT_RATE, Quota, Settings

DEFAULTS = Settings(database=Path("cdf.sqlite"))
NOT_SETTINGS = {"host", "port", "load", "faults", "fault_rate", "strict"}


def parse_arguments() -> argparse.Namespace:
    """Return what was asked for, or end with what is wrong with it."""
    return _parser().parse_args()


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return how the server is to behave."""
    given = {name: value for name, value in vars(arguments).items() if name not in NOT_SETTINGS}
    return Settings(**given | {"clients": dict(arguments.clients)})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_cdf_records.local_server",
        description="A local stand-in for CDF's Records service, for a first run and for tests.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8765, help="port to listen on (%(default)s); 0 for any free one")
    add(
        "--database",
        type=Path,
        default=DEFAULTS.database,
        help="SQLite file that keeps the data (%(default)s)",
    )
    add("--load", type=Path, metavar="FILE", help="YAML or JSON of spaces, containers and streams to make")
    strictness = parser.add_mutually_exclusive_group()
    strictness.add_argument(
        "--strict",
        action="store_true",
        default=True,
        help="refuse records that name what is not there, as CDF does",
    )
    strictness.add_argument(
        "--create-missing",
        action="store_true",
        help="make the spaces, containers, properties and streams that records name",
    )
    access = parser.add_argument_group("access")
    add = access.add_argument
    add("--project", default=DEFAULTS.project, help="the one CDF project (%(default)s)")
    add("--client-id", default=DEFAULTS.client_id, help="what clients log in with (%(default)s)")
    add("--client-secret", default=DEFAULTS.client_secret, help="and its secret (%(default)s)")
    add(
        "--client",
        dest="clients",
        type=_client,
        action="append",
        default=[],
        metavar="ID:SECRET",
        help="a further client, an identity of its own",
    )
    add(
        "--token-lifetime",
        type=_amount,
        default=DEFAULTS.token_lifetime,
        help="seconds that a token is good for",
    )
    behaviour = parser.add_argument_group("behaviour of the real thing")
    add = behaviour.add_argument
    add(
        "--visibility-delay",
        type=_amount,
        default=DEFAULTS.visibility_delay,
        metavar="SECONDS",
        help="how long queries do not see an accepted change yet (%(default)g)",
    )
    add(
        "--latency",
        type=_amount,
        default=DEFAULTS.latency,
        metavar="SECONDS",
        help="what each request takes besides (%(default)g)",
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
            help=f"{what}, of the project and of each identity; beyond that 429 is answered",
        )
    add(
        "--max-records",
        type=int,
        default=DEFAULTS.max_records,
        metavar="N",
        help="what a stream holds at most (%(default)s)",
    )
    add(
        "--max-gigabytes",
        type=_amount,
        default=DEFAULTS.max_gigabytes,
        metavar="GB",
        help="what a stream holds at most (%(default)g)",
    )
    add("--faults", type=int, metavar="SEED", help="let record writes fail, a seed the same way each time")
    add(
        "--fault-rate",
        type=_share,
        default=DEFAULT_FAULT_RATE,
        metavar="SHARE",
        help="the share of record writes that meet a fault (%(default)g)",
    )
    return parser


def _amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return amount


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return share


def _quota(text: str) -> Quota:
    project, _, identity = text.partition(":")
    return Quota(*(_positive(part) if part else None for part in (project, identity)))


def _positive(text: str) -> float:
    amount = _amount(text)
    if not amount:
        raise argparse.ArgumentTypeError("0 would let nothing through")
    return amount


def _client(text: str) -> tuple[str, str]:
    client, _, secret = text.partition(":")
    if not client or not secret:
        raise argparse.ArgumentTypeError("expected ID:SECRET")
    return client, secret
