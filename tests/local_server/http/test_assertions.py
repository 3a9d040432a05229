"""Clients that prove themselves by a signed assertion: what the token endpoint takes, and what it refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from airflow_provider_cdf_records.local_server.checks import facts
from tests.keys import KeyPair, key_pair
from tests.waiting import PATIENCE

PLATFORM = key_pair("platform")
WRONG = key_pair("somebody else")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """Know a client with a certificate, one with an EC key alone, and one that a platform vouches for."""
    (tmp_path / "ec.pem").write_bytes(key_pair(kind="256").public_pem())
    with LocalServer(
        clock=Clock(stopped=True),
        client_certificates={
            "app": key_pair().write_certificate(tmp_path / "app.pem"),
            "ec": tmp_path / "ec.pem",
        },
        federated_issuers={"pod": PLATFORM.write_certificate(tmp_path / "platform.pem")},
    ) as server:
        yield server


def ask(server: LocalServer, client: str, assertion: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_assertion_type": facts.ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return requests.post(server.token_url, data=form | changes, timeout=PATIENCE)


def an_assertion(
    server: LocalServer, client: str = "app", pair: KeyPair | None = None, **changes: Any
) -> str:
    pair = pair or key_pair()
    algorithm = changes.pop("algorithm", "PS256")
    headers = changes.pop("headers", {"x5t#S256": key_pair().thumbprint()})
    claims = {"aud": server.token_url, "iss": client, "sub": client, "exp": int(time.time()) + 300}
    return pair.token(headers, algorithm, **(claims | changes))


def refusal(answer: requests.Response) -> str:
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    return str(answer.json()["error_description"])


def test_a_token_for_an_assertion_is_as_good_as_any(server: LocalServer) -> None:
    answer = ask(server, "app", an_assertion(server))
    token = answer.json()["access_token"]
    inspected = requests.get(
        f"{server.url}/api/v1/token/inspect", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
    )
    assert inspected.json()["subject"] == "app"


def test_a_public_key_is_enough(server: LocalServer) -> None:
    assertion = an_assertion(server, "ec", key_pair(kind="256"), algorithm="ES256", headers=None)
    assert ask(server, "ec", assertion).ok


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pair": WRONG}, "Signature verification failed"),
        ({"aud": "https://elsewhere/token"}, "its aud must be http://127.0.0.1:"),
        ({"iss": "other"}, "its iss and sub must be the client id"),
        ({"sub": "other"}, "its iss and sub must be the client id"),
        ({"exp": 1}, "it has expired"),
        ({"exp": "soon"}, "it has expired"),
        ({"exp": 10**11}, "it is valid for too long"),
        ({"jti": 7}, ""),
        ({"headers": {}}, "its header names no certificate"),
        ({"headers": {"x5t#S256": WRONG.thumbprint()}}, "its header names another certificate"),
    ],
)
def test_an_assertion_with_a_fault_is_refused(
    server: LocalServer, changes: dict[str, Any], words: str
) -> None:
    assert words in refusal(ask(server, "app", an_assertion(server, **changes)))


@pytest.mark.parametrize("left_out", ["exp", "iss", "sub", "aud", "jti"])
def test_an_assertion_without_a_claim_is_refused(server: LocalServer, left_out: str) -> None:
    claims = jwt.decode(an_assertion(server), options={"verify_signature": False})
    del claims[left_out]
    assertion = jwt.encode(claims, key_pair().key, "PS256", headers={"x5t#S256": key_pair().thumbprint()})
    assert left_out in refusal(ask(server, "app", assertion))


@pytest.mark.parametrize("assertion", ["", "no.j.wt", "a", "\0", "ä.ö.ü"])
def test_what_is_no_assertion_is_refused(server: LocalServer, assertion: str) -> None:
    assert ask(server, "app", assertion).status_code == 401


def test_an_unsigned_assertion_and_one_signed_with_the_public_key_are_refused(server: LocalServer) -> None:
    claims = jwt.decode(an_assertion(server), options={"verify_signature": False})
    assert refusal(ask(server, "app", jwt.encode(claims, None, "none")))
    assert refusal(ask(server, "app", jwt.encode(claims, "x" * 64, "HS256")))


def test_an_assertion_is_taken_once(server: LocalServer) -> None:
    assertion = an_assertion(server)
    assert ask(server, "app", assertion).ok
    assert "its jti was used before" in refusal(ask(server, "app", assertion))
    server.clock.advance(301)
    assert "it has expired" in refusal(ask(server, "app", assertion))


def test_a_client_that_is_not_registered_is_refused(server: LocalServer) -> None:
    assertion = an_assertion(server, server.settings.client_id)
    assert "no certificate and no issuer" in refusal(ask(server, server.settings.client_id, assertion))


def test_a_client_with_a_certificate_has_no_secret(server: LocalServer) -> None:
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": ""}
    assert requests.post(server.token_url, data=form, timeout=PATIENCE).status_code == 401


def test_the_type_of_an_assertion_is_checked(server: LocalServer) -> None:
    answer = ask(server, "app", an_assertion(server), client_assertion_type="saml")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_federated_token_is_taken_until_it_expires(server: LocalServer) -> None:
    token = PLATFORM.token({"kid": "no certificate is named"})
    assert ask(server, "pod", token).ok
    assert ask(server, "pod", token).ok
    server.clock.advance(3601)
    assert "it has expired" in refusal(ask(server, "pod", token))


def test_a_federated_token_of_another_platform_or_for_others_is_refused(server: LocalServer) -> None:
    assert "Signature" in refusal(ask(server, "pod", WRONG.token()))
    refused = refusal(ask(server, "pod", PLATFORM.token(aud="https://elsewhere")))
    assert "its aud must be api://AzureADTokenExchange" in refused


@pytest.mark.parametrize("content", [None, b"", b"no pem", b"-----BEGIN CERTIFICATE-----\n"])
def test_a_file_without_a_key_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "app.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"app\.pem must be a PEM file of a certificate or public key"):
        LocalServer(client_certificates={"app": path})


@pytest.mark.parametrize("form", ["key", "certificate"])
def test_a_key_that_is_neither_rsa_nor_ec_is_refused_with_its_file(tmp_path: Path, form: str) -> None:
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    now = datetime.now(timezone.utc)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    content = {
        "key": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "certificate": certificate.sign(key, None).public_bytes(Encoding.PEM),
    }
    (tmp_path / "app.pem").write_bytes(content[form])
    with pytest.raises(ValueError, match=r"app\.pem must be .*: the key must be RSA or EC"):
        LocalServer(client_certificates={"app": tmp_path / "app.pem"})
