"""Keeps secrets out of messages, also those that others quote."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

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
    """Yield what a URL, such as a proxy's, has of secrets: user with password, and the password."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        yield url
        return
    user_info, at, _ = parts.netloc.rpartition("@")
    if at and ":" in user_info:
        yield user_info
        yield user_info.partition(":")[2]


def _ways_to_write(secret: str) -> Iterator[str]:
    yield from (secret, secret.strip(), unquote(secret))
    for quoted in (quote, quote_plus):
        yield from (quoted(secret, safe=safe, errors="replace") for safe in ("", "/"))
    yield from (html.escape(secret), html.escape(secret, quote=False))
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
