"""Clients without a secret: what they send for a token, and what their files may be like."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from airflow_provider_cdf_records.client import (
    CdfAuthError,
    CdfClient,
    CertificateFile,
    ClientAssertions,
    ClientConfig,
    FederatedTokenFile,
    IssuedToken,
    RetryPolicy,
)
from tests.client.clocks import StoppedClock
from tests.client.conftest import MakeClient, a_token
from tests.keys import key_pair
from tests.scripted_server import Answer, ScriptedServer

ONCE = RetryPolicy(max_attempts=1)
Make = Callable[..., CdfClient]


@pytest.fixture
def make_asserting(make_client: MakeClient, server: ScriptedServer) -> Make:
    """Make a client that proves itself by a file."""

    def make(source: FederatedTokenFile | CertificateFile, **changes: Any) -> CdfClient:
        return make_client(auth=ClientAssertions("id", source, f"{server.url}/token", "a b"), **changes)

    return make


def forms(server: ScriptedServer) -> list[dict[str, str]]:
    asked = [parse_qs(asked.body.decode()) for asked in server.asked_for("/token")]
    return [{name: value for name, (value,) in form.items()} for form in asked]


@pytest.mark.parametrize(
    ("kind", "for_entra_id", "algorithm"),
    [
        ("rsa", True, "PS256"),
        ("rsa", False, "RS256"),
        ("256", False, "ES256"),
        ("384", False, "ES384"),
        ("521", False, "ES512"),
    ],
)
def test_an_assertion_is_signed_as_the_standard_says(
    make_asserting: Make,
    server: ScriptedServer,
    tmp_path: Path,
    kind: str,
    for_entra_id: bool,
    algorithm: str,
) -> None:
    pair = key_pair(kind=kind)
    path = pair.write(tmp_path / "client.pem")
    make_asserting(CertificateFile(str(path), for_entra_id)).upsert_records("alarms", b"{}")
    (form,) = forms(server)
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "id",
        "scope": "a b",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    claims = jwt.decode(assertion, pair.key.public_key(), [algorithm], audience=f"{server.url}/token")
    assert (claims["iss"], claims["sub"]) == ("id", "id")
    assert 0 < claims["exp"] - claims["iat"] <= 600
    assert abs(claims["iat"] - time.time()) < 300
    header = jwt.get_unverified_header(assertion)
    assert header["x5t#S256"] == pair.thumbprint("sha256")
    assert header.get("x5t") == (None if for_entra_id else pair.thumbprint("sha1"))


def test_the_certificate_of_the_key_is_found_among_others(
    make_asserting: Make, server: ScriptedServer, tmp_path: Path
) -> None:
    pair, path = key_pair(), tmp_path / "client.pem"
    path.write_bytes(key_pair("ca").certificate_pem() + pair.certificate_pem() + pair.private_pem())
    make_asserting(CertificateFile(str(path))).get("/upsert")
    header = jwt.get_unverified_header(forms(server)[0]["client_assertion"])
    assert header["x5t#S256"] == pair.thumbprint("sha256")


def test_each_request_for_a_token_has_an_assertion_of_its_own(
    make_asserting: Make, server: ScriptedServer, tmp_path: Path
) -> None:
    clock = StoppedClock()
    path = key_pair().write(tmp_path / "client.pem")
    client = make_asserting(CertificateFile(str(path)), clock=clock)
    server.answer("/token", Answer(503, "later"), a_token("old", expires_in=60), a_token("new"))
    with pytest.raises(CdfAuthError):
        make_asserting(CertificateFile(str(path)), retry=ONCE).get("/upsert")
    client.get("/upsert")
    clock.advance(60)
    client.get("/upsert")
    sent = [
        jwt.decode(form["client_assertion"], options={"verify_signature": False}) for form in forms(server)
    ]
    assert len({claims["jti"] for claims in sent}) == 3


def test_a_federated_token_is_read_anew_for_each_request(
    make_asserting: Make, server: ScriptedServer, tmp_path: Path
) -> None:
    clock, path = StoppedClock(), tmp_path / "token"
    client = make_asserting(FederatedTokenFile(str(path)), clock=clock)
    server.answer("/token", a_token(expires_in=60))
    path.write_text(" first.a.b\n")
    client.get("/upsert")
    (tmp_path / "next").write_text("second.a.b")
    os.replace(tmp_path / "next", path)
    client.get("/upsert")
    clock.advance(60)
    client.get("/upsert")
    assert [form["client_assertion"] for form in forms(server)] == ["first.a.b", "second.a.b"]
    assert all(form["client_id"] == "id" for form in forms(server))


def test_assertions_are_masked_before_they_are_sent(server: ScriptedServer, tmp_path: Path) -> None:
    path, masked = tmp_path / "token", list[str]()
    path.write_text("an.assertion.indeed")
    server.answer("/token", Answer(401, {"error": "bad", "error_description": "an.assertion.indeed"}))
    auth = ClientAssertions("id", FederatedTokenFile(str(path)), f"{server.url}/token")
    with (
        CdfClient(ClientConfig(server.url, "p", auth), on_token=masked.append) as client,
        pytest.raises(CdfAuthError, match="extra 'federated_token_file' or 'certificate_file'") as failure,
    ):
        client.get("/streams")
    assert masked == ["an.assertion.indeed"]
    assert "an.assertion" not in str(failure.value)


ENCRYPTED = key_pair().private_pem(BestAvailableEncryption(b"pass")) + key_pair().certificate_pem()


def written(path: Path, content: bytes | None) -> Path:
    """Write a file unless there is nothing to write, and return its path."""
    if content is not None:
        path.write_bytes(content)
    return path


def failure_of(client: CdfClient) -> CdfAuthError:
    """Return what a request without a token fails with."""
    with pytest.raises(CdfAuthError) as failure:
        client.get("/upsert")
    return failure.value


@pytest.mark.parametrize(
    ("content", "words", "retryable"),
    [
        (None, "cannot be read: No such file", True),
        (b" \n", "is empty", True),
        (b"no pem", "holds no private key in PEM form", False),
        (
            b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
            "holds no private key",
            False,
        ),
        (key_pair().certificate_pem(), "holds no private key", False),
        (key_pair().private_pem(), "holds no certificate of its private key", False),
        (key_pair().private_pem() + key_pair("ca").certificate_pem(), "holds no certificate of its", False),
        (ENCRYPTED, "has an encrypted private key; store it without a passphrase", False),
        (key_pair(kind="256k1").private_pem(), "has a private key that is neither RSA nor", False),
        (
            key_pair(days=-3).private_pem() + key_pair(days=-3).certificate_pem(),
            "has a certificate that expired on 2",
            False,
        ),
    ],
)
def test_a_certificate_file_that_cannot_be_used_is_named(
    make_asserting: Make,
    server: ScriptedServer,
    tmp_path: Path,
    content: bytes | None,
    words: str,
    retryable: bool,
) -> None:
    path = written(tmp_path / "client.pem", content)
    failure = failure_of(make_asserting(CertificateFile(str(path)), retry=ONCE))
    assert str(failure).startswith(f"The connection's extra 'certificate_file': {path} {words}")
    assert failure.retryable == retryable
    assert "c2VjcmV0" not in str(failure)
    assert not server.asked


@pytest.mark.parametrize(
    ("content", "words", "retryable"),
    [
        (None, "cannot be read: No such file", True),
        (b"", "is empty", True),
        (b"secret of another kind", "holds no token: it must be one JWT", False),
        (b"a.b.c\nd.e.f", "holds no token", False),
        (b"a.b.\xff", "holds no token", False),
        (b"a.b." + b"c" * 200_000, "is larger than 100,000 bytes", False),
    ],
)
def test_a_federated_token_file_that_cannot_be_used_is_named(
    make_asserting: Make,
    server: ScriptedServer,
    tmp_path: Path,
    content: bytes | None,
    words: str,
    retryable: bool,
) -> None:
    path = written(tmp_path / "token", content)
    failure = failure_of(make_asserting(FederatedTokenFile(str(path)), retry=ONCE))
    assert str(failure).startswith(f"The connection's extra 'federated_token_file': {path} {words}")
    assert failure.retryable == retryable
    assert not server.asked


@pytest.mark.parametrize("path", ["/", "a\0b"])
def test_a_path_that_is_no_file_is_named(make_asserting: Make, path: str) -> None:
    for source in (FederatedTokenFile(path), CertificateFile(path)):
        with pytest.raises(CdfAuthError, match=r"_file': .* (cannot be read|is not a path)") as failure:
            make_asserting(source, retry=ONCE).get("/upsert")
        assert not failure.value.retryable


def test_a_file_that_is_being_replaced_is_tried_again(
    make_asserting: Make, server: ScriptedServer, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    client = make_asserting(FederatedTokenFile(str(path)), clock=ReplacingClock(path))
    client.get("/upsert")
    assert [form["client_assertion"] for form in forms(server)] == ["new.a.b"]


class ReplacingClock(StoppedClock):
    """Puts a file in place during the first wait."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def wait(self, changed: Any, seconds: float | None) -> None:
        self._path.write_text("new.a.b")
        if seconds is None:
            changed.wait()
        else:
            self.now += seconds


def test_tokens_of_another_source_are_renewed_like_all_others(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    clock, issued = StoppedClock(), list[str]()

    def issue() -> IssuedToken:
        issued.append(f"token-{len(issued)}")
        return IssuedToken(issued[-1], lifetime=60)

    client = make_client(auth=issue, clock=clock)
    client.get("/upsert")
    client.get("/upsert")
    clock.advance(30)
    client.get("/upsert")
    server.answer("/upsert", Answer(401, {"error": {}}), Answer())
    client.get("/upsert")
    sent = [asked.headers["authorization"] for asked in server.asked_for("/upsert")]
    assert sent == [f"Bearer token-{number}" for number in (0, 0, 1, 1, 2)]
    assert "token-" not in repr(IssuedToken("token-0"))
