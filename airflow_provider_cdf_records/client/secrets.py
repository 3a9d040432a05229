"""Keeps secrets out of messages, also those that others quote."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "***"
SHORTEST = 5  # characters; Airflow's logs leave shorter ones as well, which would hide parts of other words
USER_INFO = re.compile(r"(?<=://)[^\s/?#]+@")


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text in which secrets, and user and password of any URL, are replaced by ``***``."""
    written = {form for secret in secrets if len(secret) >= SHORTEST for form in _ways_to_write(secret)}
    for form in sorted(written, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return USER_INFO.sub(f"{HIDDEN}@", text)


def secrets_in_url(url: str) -> Iterator[str]:
    """Yield what a proxy's URL has of secrets: user with password, the password, and parts of it.

    A password with a ``/``, ``?`` or ``#`` makes the URL one that cannot be read, and its parts are then what
    errors quote.
    """
    user_info, at, _ = url.rpartition("://")[2].rpartition("@")
    if at and ":" in user_info:
        yield user_info
        yield user_info.partition(":")[2]
        yield from re.split("[/?#]", user_info)


def _ways_to_write(secret: str) -> Iterator[str]:
    yield from (secret, secret.strip(), unquote(secret))
    for quoted in (quote, quote_plus):
        yield from (quoted(secret, safe=safe, errors="replace") for safe in ("", "/"))
    yield from (html.escape(secret), html.escape(secret, quote=False))
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
