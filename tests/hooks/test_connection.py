from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import certifi
import pytest
from airflow.models.connection import Connection

from airflow_provider_cdf_records.client import (
    CertificateFile,
    ClientAssertions,
    ClientConfig,
    ClientCredentials,
    FederatedTokenFile,
    RetryPolicy,
    StaticToken,
)
from airflow_provider_cdf_records.client.field_names import HOST, LOGIN, PASSWORD, SCHEMA
from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.hooks.azure import AzureTokens
from airflow_provider_cdf_records.hooks.connection import InvalidConnectionError, address_of, client_config

CLUSTER = "https://westeurope-1.cognitedata.com"
GOOD: dict[str, Any] = {
    "conn_id": "cdf_default",
    "conn_type": "cdf",
    "host": CLUSTER,
    "schema": "my-project",
    "login": "my-id",
    "password": "my-secret",
    "extra": {"tenant_id": "my-tenant"},
}


def config_of(**changes: Any) -> ClientConfig:
    fields = GOOD | changes
    if isinstance(fields["extra"], dict):
        fields["extra"] = json.dumps(fields["extra"])
    return client_config(Connection(**fields), max_concurrency=4)


def credentials_of(**changes: Any) -> ClientCredentials:
    auth = config_of(**changes).auth
    assert isinstance(auth, ClientCredentials)
    return auth


def refusal(**changes: Any) -> str:
    with pytest.raises(InvalidConnectionError) as refused:
        config_of(**changes)
    message = str(refused.value)
    assert message.startswith("Connection 'cdf_default': ")
    assert message.count(". ") == 0
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        (CLUSTER, CLUSTER),
        (f"{CLUSTER}/", CLUSTER),
        ("westeurope-1.cognitedata.com", CLUSTER),
        ("westeurope-1", CLUSTER),
        ("https://cdf.private.example.com:8443", "https://cdf.private.example.com:8443"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("localhost:8765", "http://localhost:8765"),
        ("http://[::1]:8765", "http://[::1]:8765"),
        ("https://localhost", "https://localhost"),
    ],
)
def test_the_host_may_be_a_url_a_name_or_a_cluster(host: str, base_url: str) -> None:
    assert config_of(host=host).base_url == base_url


def test_a_port_of_its_own_field_is_used() -> None:
    assert config_of(host="127.0.0.1", port=8765).base_url == "http://127.0.0.1:8765"


def test_entra_id_follows_from_the_tenant() -> None:
    auth = credentials_of()
    assert auth.token_url == "https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token"
    assert auth.scopes == f"{CLUSTER}/.default"
    assert (auth.client_id, auth.secret) == ("my-id", "my-secret")


def test_other_providers_are_named_by_their_token_url() -> None:
    extra = {"token_url": "https://idp.example.com/token", "scopes": ["a", "b"], "audience": "cdf"}
    auth = credentials_of(extra=extra)
    assert (auth.token_url, auth.scopes, auth.audience) == ("https://idp.example.com/token", "a b", "cdf")


def test_a_ready_token_needs_no_client() -> None:
    assert config_of(login=None, password=None, extra={"token": "t"}).auth == StaticToken("t")


def test_a_certificate_stands_in_for_the_secret() -> None:
    auth = config_of(password=None, extra=GOOD["extra"] | {"certificate_file": "/keys/cdf.pem"}).auth
    assert isinstance(auth, ClientAssertions)
    assert auth.source == CertificateFile("/keys/cdf.pem", for_entra_id=True)
    assert (auth.client_id, auth.scopes) == ("my-id", f"{CLUSTER}/.default")
    assert auth.token_url == "https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token"


def test_a_federated_token_file_stands_in_for_the_secret() -> None:
    extra = {
        "token_url": "https://idp.example.com/token",
        "audience": "cdf",
        "federated_token_file": "/run/token",
    }
    auth = config_of(password=None, extra=extra).auth
    assert auth == ClientAssertions(
        "my-id", FederatedTokenFile("/run/token"), "https://idp.example.com/token", audience="cdf"
    )


def test_certificates_are_used_in_the_usual_way_of_other_providers() -> None:
    extra = {"token_url": "https://idp.example.com/token", "certificate_file": "/keys/cdf.pem"}
    auth = config_of(password=None, extra=extra).auth
    assert isinstance(auth, ClientAssertions)
    assert auth.source == CertificateFile("/keys/cdf.pem", for_entra_id=False)


@pytest.mark.parametrize(("scopes", "asked"), [({}, f"{CLUSTER}/.default"), ({"scopes": "a b"}, "a b")])
def test_an_azure_connection_needs_no_client(scopes: dict[str, str], asked: str) -> None:
    extra = {"azure_conn_id": "azure_default"} | scopes
    assert config_of(login=None, password=None, extra=extra).auth == AzureTokens("azure_default", asked)


def test_the_other_extras_are_taken(tmp_path: Path) -> None:
    bundle = shutil.copy(certifi.where(), tmp_path / "ca.pem")
    extra = GOOD["extra"] | {
        "timeout": 5,
        "verify": str(bundle),
        "proxies": {"https": "http://proxy:3128"},
        "max_attempts": 3,
        "max_wait": 60,
    }
    config = config_of(extra=extra)
    assert (config.timeout, config.verify, config.proxies) == (
        5,
        str(bundle),
        {"https": "http://proxy:3128"},
    )
    assert config.retry == RetryPolicy(max_attempts=3, max_wait=60)


def test_text_values_as_of_a_uri_are_taken() -> None:
    extra = GOOD["extra"] | {
        "timeout": "5",
        "verify": "false",
        "proxies": "http://proxy:3128",
        "max_attempts": "3",
    }
    config = config_of(extra=extra)
    assert (config.timeout, config.verify, config.retry.max_attempts) == (5, False, 3)
    assert config.proxies == {"http": "http://proxy:3128", "https": "http://proxy:3128"}


def test_fields_that_a_form_leaves_empty_count_as_unset() -> None:
    extra = {"tenant_id": "my-tenant", "token_url": "", "token": None, "timeout": None}
    assert config_of(extra=extra) == config_of()


@pytest.mark.parametrize(
    "uri",
    [
        "cdf://my-id:my-secret@westeurope-1.cognitedata.com/my-project?tenant_id=my-tenant",
        "cdf://my-id:my-secret@https%3A%2F%2Fwesteurope-1.cognitedata.com/my-project?tenant_id=my-tenant",
        json.dumps({name: value for name, value in GOOD.items() if name != "conn_id"}),
        Connection(**(GOOD | {"extra": json.dumps(GOOD["extra"])})).get_uri(),
    ],
    ids=["uri", "uri with a whole url as host", "json", "uri as Airflow writes it"],
)
def test_all_ways_to_write_a_connection_mean_the_same(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook

    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", uri)
    conn = CdfRecordsHook.get_connection("cdf_default")
    assert client_config(conn, max_concurrency=4) == config_of()


def test_a_local_uri_has_host_and_port() -> None:
    uri = "cdf://id:secret@127.0.0.1:8765/local?token_url=http%3A%2F%2F127.0.0.1%3A8765%2Ftoken"
    config = client_config(Connection(conn_id="c", uri=uri), max_concurrency=1)
    assert (config.base_url, config.project) == ("http://127.0.0.1:8765", "local")


def test_bodies_are_compressed_but_for_this_machine() -> None:
    assert config_of().gzip
    assert not config_of(host="http://localhost:8765").gzip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": None}, "CDF project (schema) is empty; put the name of the CDF project there"),
        ({"host": None}, "Cluster (host) is empty; put the cluster's address there"),
        ({"login": None}, "Client ID (login) is empty; put the client id there"),
        ({"password": None}, "Client secret (password) is empty; put the client's secret"),
        ({"extra": {}}, "extra 'tenant_id' (Entra ID) or 'token_url'"),
        (
            {"extra": {"tenant_id": "t", "token_url": "https://x.example/t"}},
            "'tenant_id' and 'token_url' are both set",
        ),
        ({"extra": {"token": "t"}}, "extra 'token' and Client ID (login) are both set"),
        (
            {"login": None, "extra": {"token": "t"}},
            "extra 'token' and Client secret (password) are both set; keep one",
        ),
        (
            {"login": None, "password": None, "extra": {"token": "t", "azure_conn_id": "a"}},
            "extra 'token' and extra 'azure_conn_id' are both set; keep one of them",
        ),
        ({"extra": {"azure_conn_id": "a"}}, "extra 'azure_conn_id' and Client ID (login) are both set"),
        (
            {"login": None, "password": None, "extra": {"azure_conn_id": "a", "tenant_id": "t"}},
            "extras 'azure_conn_id' and 'tenant_id' are both set; remove 'tenant_id'",
        ),
        (
            {"extra": {"tenant_id": "t", "certificate_file": "f"}},
            "Client secret (password) and extra 'certificate_file' are both set; keep one of them",
        ),
        (
            {
                "password": None,
                "extra": {"tenant_id": "t", "certificate_file": "f", "federated_token_file": "g"},
            },
            "extra 'federated_token_file' and extra 'certificate_file' are both set",
        ),
        (
            {"login": None, "password": None, "extra": {"tenant_id": "t", "certificate_file": "f"}},
            "Client ID (login) is empty; put the client id there",
        ),
        ({"password": None, "extra": {"certificate_file": "f"}}, "'tenant_id' (Entra ID) or 'token_url'"),
        ({"host": "http://cdf.example.com"}, "Cluster (host) is plain http to cdf.example.com"),
        (
            {"extra": {"token_url": "http://idp.example.com/t"}},
            "extra 'token_url' is plain http to idp.example.com",
        ),
        ({"host": "ftp://x.example.com"}, "Cluster (host) begins with ftp://"),
        ({"host": f"{CLUSTER}/api/v1"}, "Cluster (host) must be an address alone"),
        ({"host": f"{CLUSTER}:port"}, "Cluster (host)"),
        ({"extra": {"tenant": "t"}}, "extra 'tenant' is not known"),
        ({"extra": {"tenant_id": "t", "timeout": "soon"}}, "extra 'timeout' must be a positive number"),
        ({"extra": {"tenant_id": "t", "max_attempts": 0}}, "extra 'max_attempts' must be a whole number"),
        ({"extra": {"tenant_id": "t", "proxies": [1]}}, "extra 'proxies' must be a proxy's URL"),
        ({"extra": {"tenant_id": "t", "proxies": "{no"}}, "extra 'proxies' must be a proxy's URL"),
        ({"extra": {"tenant_id": "t", "proxies": "http://u:s[x@proxy"}}, "'proxies' holds no proxy's URL"),
        (
            {"extra": {"tenant_id": "t", "proxies": {"https": "http://u:s@"}}},
            "'proxies' holds no proxy's URL",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_with_field_and_remedy(changes: dict[str, Any], message: str) -> None:
    assert message in refusal(**changes)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"host": None, "schema": " "}, ["Cluster (host)", "CDF project (schema)"]),
        (
            dict.fromkeys(("host", "schema", "login", "password", "extra")),
            [
                "Cluster (host)",
                "CDF project (schema)",
                "Client ID (login)",
                "Client secret (password)",
                "extra 'tenant_id' (Entra ID) or 'token_url'",
            ],
        ),
        ({"schema": "", "login": "", "password": "", "extra": {"token": "t"}}, ["CDF project (schema)"]),
    ],
)
def test_all_that_is_missing_is_said_at_once(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidConnectionError) as refused:
        config_of(**changes)
    sentences = str(refused.value).split(". ")
    assert len(sentences) == len(fields)
    assert all(field in sentence for field, sentence in zip(fields, sentences, strict=True))


def test_the_address_alone_names_all_that_is_missing_of_it() -> None:
    with pytest.raises(InvalidConnectionError, match=r"Cluster \(host\) .* CDF project \(schema\)"):
        address_of(Connection(conn_id="c", conn_type="cdf"))


def test_messages_name_fields_as_the_form_does() -> None:
    (form,) = get_provider_info()["connection-types"]
    labels = form["ui-field-behaviour"]["relabeling"]
    for name, field in (("host", HOST), ("schema", SCHEMA), ("login", LOGIN), ("password", PASSWORD)):
        assert field == f"{labels[name].removesuffix(' *')} ({name})"


@pytest.mark.parametrize(("host", "port"), [(CLUSTER, 443), (f"{CLUSTER}:443", None)])
def test_the_port_that_https_has_anyway_is_left_out(host: str, port: int | None) -> None:
    assert config_of(host=host, port=port).base_url == CLUSTER


def test_no_secret_is_in_the_repr_or_in_a_refusal() -> None:
    extra = GOOD["extra"] | {"proxies": "http://user:proxy-secret@proxy:3128"}
    assert not {"my-secret", "proxy-secret"} & set(repr(config_of(extra=extra)).replace("'", " ").split())
    assert "my-secret" not in repr(config_of(extra=extra)) + refusal(schema=None)
    assert "proxy-secret" not in repr(config_of(extra=extra))
