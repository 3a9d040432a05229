"""Loads whose connection holds no secret: a certificate, a federated token, an Azure connection."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
import pytest
import requests

from airflow_provider_cdf_records.client import CdfAuthError
from airflow_provider_cdf_records.hooks.azure import AzureTokens
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowFailException, BaseHook
from tests.keys import key_pair
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.waiting import PATIENCE

PLATFORM, WRONG = key_pair("platform"), key_pair("somebody else")
LIFETIME = 60  # seconds, of tokens; shorter than an assertion's, by which the server's clock is moved on
SCOPE = "https://westeurope-1.cognitedata.com/.default"


@pytest.fixture
def cdf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalCdf]:
    """A CDF that knows a client by its certificate, and one by the platform that it runs on."""
    with local_cdf(
        monkeypatch,
        token_lifetime=LIFETIME,
        client_certificates={"app": key_pair().write_certificate(tmp_path / "known.pem")},
        federated_issuers={"pod": PLATFORM.write_certificate(tmp_path / "platform.pem")},
    ) as cdf:
        yield cdf


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, cdf: LocalCdf) -> Callable[..., None]:
    """Set ``cdf_default`` to a connection without a secret."""

    def connect(login: str | None = None, **extra: Any) -> None:
        fields = json.loads(cdf.server.connection_json())
        del fields["password"], fields["extra"]
        if login is not None:
            extra["token_url"] = cdf.server.token_url
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields | {"login": login, "extra": extra}))

    return connect


def load_until_tokens_have_expired(cdf: LocalCdf, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Load records, in the middle of which the token expires; check that all arrived, with another token."""

    def rows() -> Iterator[dict[str, Any]]:
        yield from (a_record(f"a{number}") for number in range(1000))
        meanwhile()
        cdf.server.clock.advance(LIFETIME + 1)
        yield from (a_record(f"b{number}") for number in range(1000))

    asked_before = tokens_asked_for(cdf)
    assert CdfRecordsHook(max_concurrency=1).upsert_records(STREAM, rows()).upserted == 2000
    assert tokens_asked_for(cdf) - asked_before >= 2


def tokens_asked_for(cdf: LocalCdf) -> int:
    return sum(request.path == "/oauth2/token" for request in cdf.server.last_requests())


def test_a_load_with_a_certificate_outlives_its_token(
    cdf: LocalCdf, connect: Callable[..., None], tmp_path: Path
) -> None:
    connect("app", certificate_file=str(key_pair().write(tmp_path / "app.pem")))
    load_until_tokens_have_expired(cdf)


def test_a_load_with_a_federated_token_takes_the_one_that_replaced_it(
    cdf: LocalCdf, connect: Callable[..., None], tmp_path: Path
) -> None:
    path, headers = tmp_path / "token", {"x5t#S256": PLATFORM.thumbprint()}
    path.write_text(PLATFORM.token(headers, exp=int(time.time()) + LIFETIME // 2))

    def replace() -> None:
        (tmp_path / "next").write_text(PLATFORM.token(headers))
        os.replace(tmp_path / "next", path)

    connect("pod", federated_token_file=str(path))
    load_until_tokens_have_expired(cdf, replace)


@pytest.mark.parametrize("kind", ["certificate_file", "federated_token_file"])
def test_what_the_provider_does_not_know_is_refused_with_its_words_and_told_to_nobody(
    cdf: LocalCdf,
    connect: Callable[..., None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    path, token = tmp_path / "credential", WRONG.token()
    if kind == "certificate_file":
        WRONG.write(path)
        connect("app", certificate_file=str(path))
    else:
        path.write_text(token)
        connect("pod", federated_token_file=str(path))
    hook = CdfRecordsHook()
    with caplog.at_level(logging.DEBUG), pytest.raises(AirflowFailException) as failure:
        hook.upsert_records(STREAM, [a_record()])
    assert "The client assertion is refused: Signature verification failed" in str(failure.value)
    assert "extra 'federated_token_file' or 'certificate_file'" in str(failure.value)
    assert not hook.test_connection()[0]
    output = capfd.readouterr()
    said = "".join([caplog.text, *output, *traceback.format_exception(failure.value), repr(vars(hook))])
    assert "eyJ" not in said  # which each JWT begins with
    assert token not in said
    assert "PRIVATE KEY" not in said


# Azure


@dataclass
class AccessToken:
    """What Azure's library returns."""

    token: str
    expires_on: int


class AzureHook:
    """Gives tokens as the hook of Azure's provider does: the public part of ``AzureBaseHook``."""

    def __init__(self, give: Callable[..., AccessToken]) -> None:
        self.get_token = give


GiveTokens = Callable[[Callable[..., AccessToken]], None]


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> GiveTokens:
    """Have the connection ``azure_default`` lead to a hook that gives tokens by a function."""
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_DEFAULT", '{"conn_type": "azure"}')
    connection_class = type(BaseHook.get_connection("azure_default"))

    def give_by(give: Callable[..., AccessToken]) -> None:
        monkeypatch.setattr(connection_class, "get_hook", lambda _: AzureHook(give))

    return give_by


def test_a_load_with_an_azure_connection_outlives_its_token(
    cdf: LocalCdf, connect: Callable[..., None], azure: GiveTokens
) -> None:
    form = {"grant_type": "client_credentials", "client_id": "local-client", "client_secret": "local-secret"}
    given: list[tuple[str, ...]] = []

    def give(*scopes: str) -> AccessToken:
        given.append(scopes)
        answer = requests.post(cdf.server.token_url, form, timeout=PATIENCE).json()
        return AccessToken(answer["access_token"], int(time.time()) + 3600)

    azure(give)
    connect(azure_conn_id="azure_default", scopes=SCOPE)
    load_until_tokens_have_expired(cdf)
    assert set(given) == {(SCOPE,)}


class AzureError(Exception):
    """An error of Azure's library, with the status of the answer if there was one."""

    def __init__(self, message: str, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (AzureError("AADSTS7000215: Invalid client secret.", 401), False),
        (AzureError("AADSTS700016", 400), False),
        (AzureError("busy", 429), True),
        (AzureError("busy", 503), True),
        (AzureError("no response from\n the IMDS endpoint"), True),
        (AttributeError("Please set `use_azure_identity_object: True`"), False),
    ],
)
def test_what_azure_says_is_quoted_and_what_may_pass_is_tried_again(
    azure: GiveTokens, error: Exception, retryable: bool
) -> None:
    def fail(*_: str) -> AccessToken:
        raise error

    azure(fail)
    with pytest.raises(
        CdfAuthError, match="'azure_conn_id': connection 'azure_default' gave no token: "
    ) as failure:
        AzureTokens("azure_default", SCOPE)()
    assert failure.value.retryable == retryable
    assert " ".join(str(error).split()).rstrip(".") in str(failure.value)


def test_the_lifetime_of_azures_token_is_from_now_on(azure: GiveTokens) -> None:
    azure(lambda *_: AccessToken("t", int(time.time()) + 1000))
    issued = AzureTokens("azure_default", SCOPE)()
    assert issued.token == "t"
    assert issued.lifetime is not None
    assert 1000 - 300 < issued.lifetime <= 1000


@pytest.mark.usefixtures("empty_metadata_database")
@pytest.mark.parametrize(
    ("connection", "words"),
    [
        (None, "azure_default"),
        ('{"conn_type": "no_such_type"}', r"pip install 'airflow-provider-cdf-records\[azure\]'"),
        ('{"conn_type": "sqlite"}', "it must be of type 'azure', got 'sqlite'"),
    ],
)
def test_an_azure_connection_that_gives_no_tokens_is_named(
    monkeypatch: pytest.MonkeyPatch, connection: str | None, words: str
) -> None:
    if connection is not None:
        monkeypatch.setenv("AIRFLOW_CONN_AZURE_DEFAULT", connection)
    with pytest.raises(CdfAuthError, match=words) as failure:
        AzureTokens("azure_default", SCOPE)()
    assert not failure.value.retryable


def test_the_hook_of_azures_provider_gives_a_managed_identitys_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real provider, against a server that stands in for the machine's identity endpoint."""
    pytest.importorskip("airflow.providers.microsoft.azure", reason="needs the extra 'azure'")
    monkeypatch.setenv(
        "AIRFLOW_CONN_AZURE_DEFAULT",
        json.dumps({"conn_type": "azure", "extra": {"use_azure_identity_object": True}}),
    )
    token = jwt.encode({"aud": "cdf"}, "k" * 32)
    with ScriptedServer() as server:
        expiry = str(int(time.time()) + 3600)
        server.answer(
            "/msi/token", Answer(200, {"access_token": token, "expires_on": expiry, "resource": "r"})
        )
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        issued = AzureTokens("azure_default", SCOPE)()
    assert "resource=https://westeurope-1.cognitedata.com" in unquote(server.asked[0].path)
    assert issued.token == token
    assert issued.lifetime is not None
    assert issued.lifetime > 3000
