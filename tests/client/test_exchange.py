"""Whatever keeps a request from being sent or answered is a CdfError, and shows no secret."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread
from typing import Any

import pytest

from airflow_provider_cdf_records.client import (
    CdfAuthError,
    CdfConnectionError,
    CdfError,
    ClientCredentials,
    RetryPolicy,
    StaticToken,
)
from tests.client.conftest import SECRET, MakeClient, a_token
from tests.scripted_server import Answer, ScriptedServer

ONCE = RetryPolicy(max_attempts=1)


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """Answer each connection with some bytes that need not be HTTP."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def everything_of(error: BaseException) -> str:
    """Return all that a log may show of an error, and of those behind it."""
    said, seen = [], error
    while seen is not None:
        said += [str(seen), repr(seen), repr(vars(seen)), *traceback.format_exception(seen)]
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    return "\n".join(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "no address"},
        {"base_url": ""},
        {"base_url": "https://"},
        {"base_url": "https://*"},
        {"base_url": "https://a..b"},
        {"base_url": f"https://{'a' * 70}.com"},
        {"base_url": "https://[::1"},
        {"base_url": "https://cdf.test:port"},
        {"base_url": "https://cdf.test:99999"},
        {"base_url": "ftp://cdf.test"},
        {"base_url": "http://cdf.test\nx"},
        {"base_url": "http://127.0.0.1:99999"},
        {"project": "a\x00b\ud800/../c", "base_url": "http://127.0.0.1:9"},
        {"auth": StaticToken(f"{SECRET}\nx")},
        {"auth": StaticToken(f"{SECRET}\r\n")},
        {"auth": StaticToken(f"{SECRET}\u20ac")},
        {"auth": StaticToken(f"\ud800{SECRET}")},
        {"base_url": "https://127.0.0.1:9", "verify": "/no/such/bundle.pem"},
        {"base_url": "https://127.0.0.1:9", "verify": __file__},
        {"proxies": {"http": f"http://user:{SECRET}@127.0.0.1:9"}},
        {"proxies": {"http": f"http://user:{SECRET}@a..b:9"}},
        {"proxies": {"http": f"http://user:{SECRET}\u20ac@127.0.0.1:9"}},
        {"proxies": {"http": f"http://user:{SECRET}@127.0.0.1:port"}},
        {"proxies": {"http": f"socks9://user:{SECRET}@127.0.0.1:9"}},
        {"proxies": {"http": f"http://user:{SECRET}@"}},
        {"proxies": {"https": f"http://user:{SECRET}@127.0.0.1:9"}, "base_url": "https://cdf.test"},
    ],
    ids=repr,
)
def test_what_cannot_be_sent_is_an_error_of_the_client(
    make_client: MakeClient, changes: dict[str, Any]
) -> None:
    client = make_client(**{"auth": StaticToken("a-token"), "retry": ONCE, "environment": True} | changes)
    for call in (
        lambda: client.upsert_records("alarms", b"{}"),
        lambda: client.retrieve_stream("alarms"),
        client.inspect_token,
    ):
        with pytest.raises(CdfConnectionError) as failure:
            call()
        assert SECRET not in everything_of(failure.value)
        assert not failure.value.may_be_applied


@pytest.mark.parametrize(
    "proxy", ["http://user:{}/x@127.0.0.1:9", "user:x?{}@127.0.0.1:9", "http://u:x#{}@h"]
)
def test_a_password_that_makes_the_environments_proxy_unreadable_is_hidden(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy.format(SECRET))
    client = make_client(
        auth=StaticToken("a-token"), retry=ONCE, environment=True, base_url="http://cdf.invalid"
    )
    with pytest.raises(CdfConnectionError, match="got no answer") as failure:
        client.upsert_records("alarms", b"{}")
    assert SECRET not in everything_of(failure.value)


@pytest.mark.parametrize("answer", [Answer(400, {"error": "bad"}), Answer(body={}), Answer(reset=True)])
def test_what_a_token_url_is_called_with_is_hidden(
    make_client: MakeClient, server: ScriptedServer, answer: Answer
) -> None:
    server.answer("/token", answer)
    token_url = f"{server.url}/token?api-key={SECRET}"
    with pytest.raises(CdfAuthError, match=r"/token\?\*\*\*") as failure:
        make_client(auth=ClientCredentials("id", "-", token_url), retry=ONCE).upsert_records("alarms", b"{}")
    assert SECRET not in everything_of(failure.value)


@pytest.mark.parametrize(
    "token_url",
    [
        "no address",
        "",
        "https://*",
        "https://[::1",
        "https://a..b/token",
        "https://idp.test:port",
        "ftp://idp.test",
    ],
)
def test_a_token_url_that_makes_no_sense_is_an_error_of_the_client(
    make_client: MakeClient, token_url: str
) -> None:
    with pytest.raises(CdfAuthError, match=r"The identity provider gave no token.*token URL") as failure:
        make_client(auth=ClientCredentials("id", SECRET, token_url)).upsert_records("alarms", b"{}")
    assert not failure.value.retryable
    assert SECRET not in everything_of(failure.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=lambda answer: repr(answer[:60]),
)
def test_an_answer_that_is_no_http_is_a_passing_failure(make_client: MakeClient, answer: bytes) -> None:
    with raw_server(answer) as url, pytest.raises(CdfConnectionError) as failure:
        make_client(base_url=url, auth=StaticToken("t"), retry=ONCE).upsert_records("alarms", b"{}")
    assert failure.value.retryable
    assert failure.value.may_be_applied


def test_a_bundle_that_is_not_there_is_named(make_client: MakeClient) -> None:
    client = make_client(base_url="https://127.0.0.1:9", auth=StaticToken("t"), verify="/no/such/bundle.pem")
    with pytest.raises(CdfConnectionError, match=r"/no/such/bundle\.pem") as failure:
        client.upsert_records("alarms", b"{}")
    assert not failure.value.retryable


QUOTES: dict[str, Callable[[str], Answer]] = {
    "json": lambda secret: Answer(400, {"error": {"message": f"header was Bearer {secret}"}}),
    "oauth": lambda secret: Answer(400, {"error": "bad", "error_description": f"not {secret}"}),
    "html": lambda secret: Answer(403, f"<html>{secret.replace('&', '&amp;')}</html>"),
    "cut in two": lambda secret: Answer(403, "x" * (199 - len(secret) // 2) + secret + "y" * 50),
    "in a redirect": lambda secret: Answer(
        302, "", {"Location": f"https://u:{secret}@login.test/?s={secret}"}
    ),
    "busy": lambda secret: Answer(503, f"later, {secret}"),
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_a_secret_that_an_answer_quotes_is_hidden(
    make_client: MakeClient, server: ScriptedServer, quote: Callable[[str], Answer]
) -> None:
    secret = 'a-secret&with"odd%characters'
    token = "an-access-token-0123456789"
    client = make_client(auth=ClientCredentials("id", secret, f"{server.url}/token"), retry=ONCE)
    server.answer("/token", quote(secret), a_token(token))
    server.answer("/upsert", quote(token))
    for hidden in (secret, token):
        with pytest.raises(CdfError) as failure:
            client.upsert_records("alarms", b"{}")
        said = everything_of(failure.value)
        assert hidden not in said
        assert hidden[:8] not in said


@pytest.mark.parametrize("body", ["access_token=issued-0123456789", '{"access_token": "issued-0123456789"'])
def test_a_token_that_cannot_be_read_is_not_quoted(
    make_client: MakeClient, server: ScriptedServer, body: str
) -> None:
    server.answer("/token", Answer(200, body))
    with pytest.raises(CdfAuthError, match="not with JSON") as failure:
        make_client().upsert_records("alarms", b"{}")
    assert "0123456789" not in everything_of(failure.value)
