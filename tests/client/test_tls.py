"""Certificates are checked, unless the connection says otherwise."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_cdf_records.client import CdfConnectionError, StaticToken
from tests.client.conftest import MakeClient
from tests.scripted_server import Answer, ScriptedServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a self-signed certificate of 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local test")])
    now = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(encoding))
    return path


@pytest.fixture
def url(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ScriptedServer(context) as server:
        server.answer("/upsert", Answer(202))
        yield server.url


def test_an_unknown_certificate_is_refused_at_once(make_client: MakeClient, url: str) -> None:
    client = make_client(base_url=url, auth=StaticToken("t"))
    words = r"CERTIFICATE_VERIFY_FAILED.*; check the connection's extra 'verify'"
    with pytest.raises(CdfConnectionError, match=words) as failure:
        client.upsert_records("alarms", b"{}")
    assert not failure.value.retryable
    assert client.traffic.requests == 1


def test_a_ca_bundle_makes_it_known(make_client: MakeClient, url: str, certificate: Path) -> None:
    make_client(base_url=url, auth=StaticToken("t"), verify=str(certificate)).upsert_records("alarms", b"{}")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("environment", [True, False])
def test_checking_can_be_switched_off(
    make_client: MakeClient, url: str, monkeypatch: pytest.MonkeyPatch, certificate: Path, environment: bool
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/at/all.pem")
    client = make_client(base_url=url, auth=StaticToken("t"), verify=False, environment=environment)
    client.upsert_records("alarms", b"{}")
