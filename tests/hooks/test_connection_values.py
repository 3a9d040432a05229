"""Values as people type and paste them: cleaned where that is safe, else refused with field and remedy."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import StaticToken
from airflow_provider_cdf_records.hooks.connection import InvalidConnectionError, client_config, entra_scope
from tests.hooks.test_connection import CLUSTER, GOOD, config_of, credentials_of, refusal

AROUND = [
    " {}",
    "{} ",
    "{}\n",
    "\r\n{}\r\n",
    "\t{}\t",
    "\ufeff{}",
    "\u00a0{}\u00a0",
    "\u200b{}\u200b",
    " \n {} \n ",
]
IDP = "https://idp.example.com/token"


def entra(**extra: Any) -> dict[str, Any]:
    return {"extra": GOOD["extra"] | extra}


def token(value: Any) -> dict[str, Any]:
    return {"login": None, "password": None, "extra": {"token": value}}


@pytest.mark.parametrize("around", AROUND, ids=repr)
def test_what_is_around_a_value_is_dropped(around: str) -> None:
    fields = {name: around.format(GOOD[name]) for name in ("host", "schema", "login", "password")}
    extra = {
        "tenant_id": around.format("my-tenant"),
        "timeout": around.format("5"),
        "verify": around.format("false"),
        "proxies": {"https": around.format("http://u:p@proxy:3128")},
        "scopes": [around.format("a"), around.format("b")],
        "audience": around.format("cdf"),
        "max_attempts": around.format("3"),
        "max_wait": around.format("7.5"),
    }
    clean = {
        "tenant_id": "my-tenant",
        "timeout": 5,
        "verify": False,
        "proxies": {"https": "http://u:p@proxy:3128"},
        "scopes": "a b",
        "audience": "cdf",
        "max_attempts": 3,
        "max_wait": 7.5,
    }
    assert config_of(**fields, extra=extra) == config_of(extra=clean)


@pytest.mark.parametrize("around", AROUND, ids=repr)
def test_what_is_around_a_token_url_is_dropped(around: str) -> None:
    assert credentials_of(extra={"token_url": around.format(IDP)}).token_url == IDP


@pytest.mark.parametrize("around", [*AROUND, "'{}'", '"{}"', "' {} '", '"{}\n"'], ids=repr)
@pytest.mark.parametrize("before", ["", "Bearer ", "bearer ", "BEARER  ", "Bearer\t"], ids=repr)
def test_what_is_around_a_token_is_dropped(around: str, before: str) -> None:
    assert config_of(**token(around.format(f"{before}abc.def"))).auth == StaticToken("abc.def")
    assert config_of(**token(before + around.format("abc.def"))).auth == StaticToken("abc.def")


def test_quotes_and_spaces_within_a_secret_belong_to_it() -> None:
    for secret in ('"quoted"', "'quoted'", "two words", "Bearer x", "päss", "a:/?#[]@%20"):
        assert credentials_of(password=f" {secret}\n").secret == secret


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("westeurope-1.cognitedata.com", "https://westeurope-1.cognitedata.com/.default"),
        ("alias.plink.westeurope-1.cognitedata.com", "https://westeurope-1.cognitedata.com/.default"),
        ("p001.plink.az-eastus-1.cognitedata.com", "https://az-eastus-1.cognitedata.com/.default"),
        ("cognitedata.com", "https://cognitedata.com/.default"),
        ("cdf.private.example.com", "https://cdf.private.example.com/.default"),
        ("notcognitedata.com", "https://notcognitedata.com/.default"),
        ("::1", "https://[::1]/.default"),
    ],
)
def test_the_scope_for_entra_id_is_that_of_the_cluster(host: str, scope: str) -> None:
    assert entra_scope(host) == scope


@pytest.mark.parametrize(
    "host",
    [
        "https://alias.plink.westeurope-1.cognitedata.com",
        "https://alias.plink.westeurope-1.cognitedata.com:8443",
        "alias.plink.westeurope-1.cognitedata.com",
        "HTTPS://Alias.Plink.WestEurope-1.CogniteData.com/",
        "https://westeurope-1.cognitedata.com:443",
        "https://westeurope-1.cognitedata.com.",
        "westeurope-1",
    ],
)
def test_the_scope_has_no_private_link_and_no_port(host: str) -> None:
    assert credentials_of(host=host).scopes == f"{CLUSTER}/.default"
    assert credentials_of(host=host, port=8443).scopes == f"{CLUSTER}/.default"


@pytest.mark.parametrize(
    ("token_url", "used"),
    [
        ("idp.example.com/token", IDP),
        (f"{IDP}#part", IDP),
        ("localhost:8765/token", "http://localhost:8765/token"),
        (f"{IDP}?tenant=t", f"{IDP}?tenant=t"),
    ],
)
def test_a_token_url_is_made_a_whole_address(token_url: str, used: str) -> None:
    assert credentials_of(extra={"token_url": token_url}).token_url == used


@pytest.mark.parametrize("value", [False, 0, "0", "no", "No", "off", "FALSE"])
def test_certificates_are_not_checked_where_verify_says_so(value: Any) -> None:
    assert config_of(**entra(verify=value)).verify is False


@pytest.mark.parametrize("value", [True, 1, "1", "yes", "on", "True", "", None])
def test_certificates_are_checked_where_verify_says_so(value: Any) -> None:
    assert config_of(**entra(verify=value)).verify is True


def test_a_folder_of_certificates_is_taken(tmp_path: Path) -> None:
    assert config_of(**entra(verify=str(tmp_path))).verify == str(tmp_path)


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "CA bundle (PEM) that can be read here" in refusal(**entra(verify=str(tmp_path / "ca.pem")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "https://west europe.cognitedata.com"}, "Cluster (host) must be an address alone"),
        ({"host": "https://*.cognitedata.com"}, "Cluster (host) must be an address alone"),
        ({"host": "https://a..b.com"}, "Cluster (host) must be an address alone"),
        ({"host": f"https://{'a' * 64}.com"}, "Cluster (host) must be an address alone"),
        ({"host": "https://[::1"}, "Cluster (host) must be an address alone"),
        ({"host": "https://[::x]"}, "Cluster (host) must be an address alone"),
        ({"host": "https://"}, "Cluster (host) must be an address alone"),
        ({"host": "https://cdf.example.com:99999"}, "Cluster (host) must be an address alone"),
        ({"host": "https://cdf.example\n.com"}, "Cluster (host) has a line end"),
        ({"port": 99999}, "Port must be a number from 1 to 65535"),
        ({"port": -1}, "Port must be a number from 1 to 65535"),
        ({"schema": "my project"}, "CDF project (schema) must be the name of the CDF project"),
        ({"schema": "a/b"}, "CDF project (schema) must be the name of the CDF project"),
        ({"schema": ".."}, "CDF project (schema) must be the name of the CDF project"),
        ({"schema": "a\x00b"}, "CDF project (schema) has a line end"),
        ({"schema": " \n"}, "CDF project (schema) is empty"),
        ({"login": "a\nb"}, "Client ID (login) has a line end"),
        ({"password": "a\nb"}, "Client secret (password) has a line end"),
        ({"password": " "}, "Client secret (password) is empty"),
        ({"extra": {"token_url": "https://idp example.com"}}, "extra 'token_url' must be an address alone"),
        ({"extra": {"token_url": "https://*/token"}}, "extra 'token_url' must be an address alone"),
        ({"extra": {"token_url": "ftp://idp.example.com"}}, "extra 'token_url' begins with ftp://"),
        ({"extra": {"token_url": "/oauth2/token"}}, "extra 'token_url' must be an address alone"),
        ({"extra": {"token_url": ["https://x.y"]}}, "extra 'token_url' must be text, got a list"),
        ({"extra": {"tenant_id": "my tenant"}}, "extra 'tenant_id' must be the tenant's id or domain"),
        ({"extra": {"tenant_id": "a/../b"}}, "extra 'tenant_id' must be the tenant's id or domain"),
        ({"extra": {"tenant_id": True}}, "extra 'tenant_id' must be text, got a bool"),
        (entra(scopes={"a": 1}), "extra 'scopes' must be text"),
        (entra(scopes=["a", 1]), "extra 'scopes' must be text"),
        (entra(audience=["a"]), "extra 'audience' must be text, got a list"),
        (entra(timeout=float("nan")), "extra 'timeout' must be a positive number of seconds"),
        (entra(timeout="nan"), "extra 'timeout' must be a positive number of seconds"),
        (entra(timeout=1e300), "extra 'timeout' must be a positive number of seconds"),
        (entra(timeout=True), "extra 'timeout' must be a positive number of seconds"),
        (entra(max_wait="inf"), "extra 'max_wait' must be a positive number of seconds"),
        (entra(max_wait=-1), "extra 'max_wait' must be a positive number of seconds"),
        (entra(max_attempts=0.5), "extra 'max_attempts' must be a whole number"),
        (entra(max_attempts="2.5"), "extra 'max_attempts' must be a whole number"),
        (entra(max_attempts=float("inf")), "extra 'max_attempts' must be a whole number"),
        (entra(verify="/no/such/file.pem"), "extra 'verify' must be true, false, or the path"),
        (entra(verify="maybe"), "extra 'verify' must be true, false, or the path"),
        (entra(verify=[]), "extra 'verify' must be text, got a list"),
        (entra(proxies="ftp://proxy:21"), "extra 'proxies' holds no proxy's URL for 'http'"),
        (entra(proxies={"https": 3128}), "extra 'proxies' holds no proxy's URL for 'https'"),
        (entra(proxies={"https": "http://pro xy:3128"}), "extra 'proxies' holds no proxy's URL"),
    ],
)
def test_a_value_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    assert message in refusal(**changes)


@pytest.mark.parametrize(
    "extra", ["tenant_id=my-tenant", "[1]", '"text"', "null", "[" * 100_000], ids=lambda _: ""
)
def test_extras_that_are_no_json_object_are_refused(extra: str) -> None:
    conn = SimpleNamespace(
        **GOOD | {"port": None, "extra": extra}
    )  # some versions of Airflow refuse it first
    with pytest.raises(InvalidConnectionError, match="Extra must be a JSON object"):
        client_config(conn, max_concurrency=1)  # type: ignore[arg-type]


def test_text_that_no_encoding_has_is_refused() -> None:
    conn = SimpleNamespace(**GOOD | {"port": None, "extra": '{"tenant_id": "t"}', "password": "a\udc80b"})
    with pytest.raises(
        InvalidConnectionError,
        match=r"Client secret \(password\) has a line end or another control character",
    ):
        client_config(conn, max_concurrency=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", ["abc def-0123456789", "abc\ndef-0123456789", "abc\u20ac-0123456789", ["abc-0123456789"], '""']
)
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(value: Any) -> None:
    message = refusal(**token(value))
    assert "extra 'token'" in message
    assert "0123456789" not in message


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "https://user:0123456789@cdf.example.com"},
        {"host": "user:0123456789@cdf.example.com"},
        {"host": "https://user:01234/56789@cdf.example.com"},
        {"host": "https://user:0123456789?@cdf.example.com"},
        {"host": "https://user:0123456789@[cdf.example.com"},
        {"extra": {"token_url": "https://user:0123456789@idp.example.com/token"}},
        {"extra": {"token_url": "https://0123456789@idp.example.com/token"}},
        {"extra": {"token_url": "https://idp.example.com:0123456789@/token"}},
        {"extra": {"proxies": "http://user:01234/56789@proxy:3128"}},
        {"extra": {"proxies": "http://user:12/0123456789@proxy:3128"}},
        {"extra": {"proxies": "http://user:0123456789#@proxy:3128"}},
        {"extra": {"proxies": {"http://user:0123456789@proxy": "x y"}}},
    ],
)
def test_a_password_in_an_address_is_refused_without_being_shown(changes: dict[str, Any]) -> None:
    if "proxies" in changes.get("extra", {}):
        changes = {"extra": GOOD["extra"] | changes["extra"]}
    message = refusal(**changes)
    assert "56789" not in message
    assert "01234" not in message
    assert any(field in message for field in ("Cluster (host)", "token_url", "proxies"))


@given(
    name=st.sampled_from(["host", "schema", "login", "password"]),
    value=st.text() | st.builds("https://{}".format, st.text()),
)
def test_any_text_in_a_field_is_taken_or_refused(name: str, value: str) -> None:
    with suppress(InvalidConnectionError):
        config_of(**{name: value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    name=st.sampled_from(
        [
            "tenant_id",
            "token_url",
            "scopes",
            "audience",
            "timeout",
            "verify",
            "proxies",
            "max_attempts",
            "max_wait",
        ]
    ),
    value=JSON | st.builds("https://{}".format, st.text()),
)
def test_anything_in_an_extra_is_taken_or_refused(name: str, value: Any) -> None:
    extra = {name: value} if name == "token_url" else GOOD["extra"] | {name: value}
    with suppress(InvalidConnectionError):
        config_of(extra=json.dumps(extra))
