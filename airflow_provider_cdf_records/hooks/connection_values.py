"""Single values of an Airflow connection, cleaned and checked. Errors name the field, and show no secret."""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_cdf_records.client.auth import is_header_safe

# The last is what Docker calls, in a container, the machine that the container runs on.
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})
LONGEST = 7 * 86_400  # seconds; sockets and locks refuse what is very long
BLANK = r"[\s\ufeff\u200b\u2060]+"  # also what text copied from a page or a file may begin or end with
AROUND = re.compile(rf"^{BLANK}|{BLANK}$")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
HOST_NAME = re.compile(r"(?=.{1,253}$)(?:[^\W_](?:[\w-]{0,61}\w)?\.)*[^\W_](?:[\w-]{0,61}\w)?")
BEARER = re.compile(r"(?i)bearer\s+")
BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
PROXY_SCHEMES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})
PROXIES_HINT = 'a proxy\'s URL, or an object such as {"https": "http://proxy:3128"}'


def cleaned(value: Any) -> Any:
    """Return a value without spaces and line ends around it, in lists and objects too."""
    if isinstance(value, str):
        return AROUND.sub("", value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(name): cleaned(item) for name, item in value.items()}
    return value


def one_line(value: Any, field: str) -> str:
    """Return a value as text.

    :raises ValueError: for what is no text or number, or has a line end or another control character within.
    """
    text = _text(value, field)
    if CONTROL.search(text):
        msg = f"{field} has a line end or another control character within; write it again, in one line."
        raise ValueError(msg)
    return text


def _text(value: Any, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        msg = f"{field} must be text, got a {type(value).__name__}."
        raise ValueError(msg)  # noqa: TRY004 (a wrong value in a form, not a wrong type in code)
    return str(cleaned(value))


def access_token(value: Any) -> str:
    """Return a token without quotes and ``Bearer`` in front, as it is often copied.

    :raises ValueError: for what no header can hold.
    """
    field = "extra 'token'"
    token, before = _text(value, field), None
    while token != before:
        before = token
        token = str(cleaned(token[prefix.end() :] if (prefix := BEARER.match(token)) else token))
        if len(token) > 1 and token[0] == token[-1] and token[0] in "'\"":
            token = str(cleaned(token[1:-1]))
    if not is_header_safe(token):
        msg = f"{field} must be a token of visible ASCII characters, without spaces within; copy it again."
        raise ValueError(msg)
    return token


def address(value: Any, field: str, example: str) -> SplitResult:
    """Return a web address; without a scheme it is ``http`` on this machine and ``https`` elsewhere.

    :raises ValueError: for any other, for one with a user, and for plain http to another machine.
    """
    text = one_line(value, field)
    url = _split(text if "://" in text else f"//{text}")
    if "@" in text:  # it may hold a password, so it is not shown
        msg = f"{field} holds a user or a password before an @; write the address alone, such as {example}."
        raise ValueError(msg)
    if url is None or not _is_host(url):
        shown = text.partition("?")[0]
        msg = f"{field} must be an address alone, such as {example}, got {shown!r}."
        raise ValueError(msg)
    if not url.scheme:
        url = url._replace(scheme="http" if url.hostname in LOOPBACK_HOSTS else "https")
    if url.scheme not in {"http", "https"}:
        msg = f"{field} begins with {url.scheme}://; use https://."
        raise ValueError(msg)
    if url.scheme == "http" and url.hostname not in LOOPBACK_HOSTS:
        msg = f"{field} is plain http to {url.hostname}, where tokens can be read on the way; use https://."
        raise ValueError(msg)
    return url


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:  # which may quote a password
        return None


def _is_host(url: SplitResult) -> bool:
    name = url.hostname or ""
    try:
        if url.port == 0:
            return False
        if ":" in name:
            ipaddress.IPv6Address(name)
    except ValueError:
        return False
    is_host = ":" in name or HOST_NAME.fullmatch(name.removesuffix("."))
    return bool(is_host) and " " not in url.path


def port(value: Any) -> int | None:
    """Return a port's number, and ``None`` for an empty field."""
    if value in (None, "", 0):
        return None
    number = _number(value)
    if number is None or not number.is_integer() or not 0 < number < 65_536:  # noqa: PLR2004
        msg = f"Port must be a number from 1 to 65535, got {value!r}."
        raise ValueError(msg)
    return int(number)


def seconds(extras: Mapping[str, Any], name: str, default: float) -> float:
    """Return a positive number of seconds."""
    value = extras.get(name, default)
    number = _number(value)
    if number is None or not 0 < number <= LONGEST:
        msg = f"extra {name!r} must be a positive number of seconds, {LONGEST} at most, got {value!r}."
        raise ValueError(msg)
    return number


def count(extras: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number, 1 or more."""
    value = extras.get(name, default)
    number = _number(value)
    if number is None or not number.is_integer() or number < 1:
        msg = f"extra {name!r} must be a whole number, 1 or more, got {value!r}."
        raise ValueError(msg)
    return int(number)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def scopes(value: Any) -> str | None:
    """Return scopes, separated by spaces, from such text, from a list, or from a list as JSON text."""
    if value is None:
        return None
    if isinstance(value, str) and value.startswith("["):
        value = _from_json(value, value)
    listed = value if isinstance(value, list) else str(value).split() if isinstance(value, str) else [value]
    if not all(isinstance(scope, str) for scope in listed):
        msg = "extra 'scopes' must be text, with spaces between the scopes, or a list of texts."
        raise ValueError(msg)
    return " ".join(one_line(scope, "extra 'scopes'") for scope in listed)


def verify(value: Any) -> bool | str:
    """Return a boolean or the path of a CA bundle; in a connection's URI, booleans are text too."""
    known = BOOLEANS.get(str(value).lower())
    if known is not None:
        return known
    path = Path(one_line(value, "extra 'verify'")).expanduser()
    try:
        if path.is_dir():
            return str(path)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):
        is_usable = False
    else:
        is_usable = True
    if not is_usable:
        msg = (
            "extra 'verify' must be true, false, or the path of a CA bundle (PEM) that can be read here, "
            f"got {value!r}."
        )
        raise ValueError(msg)
    return str(path)


def proxies(value: Any) -> dict[str, str]:
    """Return proxy URLs by scheme, from a mapping, from the same as JSON text, or from one URL for all."""
    if isinstance(value, str):
        value = _from_json(value, []) if value.startswith("{") else {"http": value, "https": value}
    if value is None:
        return {}
    if not isinstance(value, dict):
        msg = f"extra 'proxies' must be {PROXIES_HINT}."
        raise ValueError(msg)  # noqa: TRY004 (a wrong value in a form, not a wrong type in code)
    urls = {name: url for name, url in cleaned(value).items() if url not in (None, "")}
    for name, url in urls.items():
        if not isinstance(url, str) or (name != "no_proxy" and not _is_proxy(url)):
            # either may hold a password, so the value is not shown, nor such a name
            where = f" for {name!r}" if "@" not in name else ""
            msg = f"extra 'proxies' holds no proxy's URL{where}; write it as http://user:password@proxy:3128."
            raise ValueError(msg)
    return urls


def _is_proxy(text: str) -> bool:
    url = _split(text if "://" in text else f"http://{text}")
    if url is None or CONTROL.search(text) or re.search(BLANK, text):
        return False
    has_more = url.path.strip("/") or url.query or url.fragment  # a password with a character of these
    return url.scheme in PROXY_SCHEMES and not has_more and _is_host(url)


def _from_json(text: str, otherwise: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return otherwise
