"""Files arrive from Azure's Blob storage and from SFTP, and what these refuse is told in one sentence."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.sources.storage_errors import storage_error
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    AirflowFailException,
    object_storage_path,
)
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.servers.processes import cutting_proxy
from tests.servers.storages import ACCOUNT, ACCOUNT_KEY, Azurite, SftpServer

LINE = json.dumps(a_record("a", number=1)).encode() + b"\n"
BAD_LINE = json.dumps(a_record("b", number="none")).encode() + b"\n"
OTHER_KEY = "QUJD" + ACCOUNT_KEY[4:]
MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
}

pytestmark = pytest.mark.usefixtures("cdf")
on_azure = pytest.mark.xdist_group("azurite")
on_sftp = pytest.mark.xdist_group("sftp")


@pytest.fixture
def container(azurite: Azurite, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A container of the test's own, with the blob ``in/a.ndjson``."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[-40:].strip("-")
    made = azurite.container(name)
    made.create_container()
    made.upload_blob("in/a.ndjson", LINE)
    yield made
    made.delete_container()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make an Airflow connection."""

    def make(conn_id: str, fields: dict[str, Any]) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return make


@pytest.fixture
def azure(azurite: Azurite, container: Any, connect: Callable[..., None]) -> str:
    """The URL of the container, whose connection ``azure`` is an account and its key."""
    connect("azure", azurite.connection_fields())
    return f"abfs://azure@{container.container_name}"


@pytest.fixture
def files(sftp: SftpServer, connect: Callable[..., None], request: pytest.FixtureRequest) -> Any:
    """A folder of the SFTP server that the connection ``sftp`` leads to, with the file ``a.ndjson``."""
    connect("sftp", sftp.connection_fields())
    folder = sftp.root / re.sub(r"\W+", "-", request.node.name)
    folder.mkdir()
    (folder / "a.ndjson").write_bytes(LINE)
    return folder


def upsert(path: str, **arguments: Any) -> Any:
    return CdfRecordsHook().upsert_file(STREAM, path, **arguments)


def refusal(
    path: str, kind: type[Exception] = AirflowFailException, *, lines: int = 1, **arguments: Any
) -> str:
    """Return why a load fails, in one line; a second one holds the numbers of what was loaded."""
    with pytest.raises(AirflowException) as failed:
        upsert(path, **arguments)
    assert type(failed.value) is kind, failed.value
    message = str(failed.value)
    assert message.count("\n") < lines
    return message


# Azure: how a blob is named


@on_azure
@pytest.mark.parametrize(
    "url",
    [
        "abfs://azure@{container}/in/a.ndjson",
        "abfss://azure@{container}/in/a.ndjson",
        "az://azure@{container}/in/a.ndjson",
        "wasb://azure@{container}/in/a.ndjson",
        "WASBS://azure@{container}/in/a.ndjson",
        "abfss://azure@{container}@{account}.dfs.core.windows.net/in/a.ndjson",
        "wasbs://azure@{container}@{account}.blob.core.windows.net/in/a.ndjson",
        "https://azure@{account}.blob.core.windows.net/{container}/in/a.ndjson",
        "https://azure@{account}.dfs.core.windows.net/{container}/in/%61.ndjson",
    ],
)
def test_the_connection_of_an_url_is_used_in_all_forms_of_azure(
    cdf: LocalCdf, azure: str, container: Any, url: str
) -> None:
    upsert(url.format(container=container.container_name, account=ACCOUNT))
    assert cdf.held() == {"a": {"number": 1}}


@on_azure
@pytest.mark.parametrize(
    "url",
    [
        "abfss://{container}@{account}.dfs.core.windows.net/in/a.ndjson",
        "abfs://{container}@{account}.dfs.core.windows.net/in",
        "wasbs://{container}@{account}.blob.core.windows.net/in/*.ndjson",
        "https://{account}.blob.core.windows.net/{container}/in/a.ndjson",
    ],
)
def test_the_forms_of_azures_portal_take_airflows_default_connection(
    cdf: LocalCdf,
    azurite: Azurite,
    container: Any,
    connect: Callable[..., None],
    url: str,
) -> None:
    connect("wasb_default", azurite.connection_fields())
    upsert(url.format(container=container.container_name, account=ACCOUNT))
    assert cdf.held() == {"a": {"number": 1}}


@on_azure
def test_an_account_that_is_not_the_connections_is_told(azure: str, container: Any) -> None:
    name = container.container_name
    for url in (
        f"abfss://azure@{name}@other.dfs.core.windows.net/in/a.ndjson",
        f"https://azure@other.blob.core.windows.net/{name}/in/a.ndjson",
    ):
        message = refusal(url)
        assert f"names the storage account 'other', and connection 'azure' is of '{ACCOUNT}'" in message


@on_azure
def test_the_default_connection_that_is_missing_is_told(container: Any) -> None:
    message = refusal(f"abfss://{container.container_name}@{ACCOUNT}.dfs.core.windows.net/in/a.ndjson")
    assert "there is no 'wasb_default' in Airflow" in message
    assert f"abfs://<connection>@{container.container_name}/in/a.ndjson" in message


def sas(container: Any, permission: str) -> str:
    from azure.storage.blob import generate_container_sas

    until = datetime.now(timezone.utc) + timedelta(hours=1)
    name = container.container_name
    return str(
        generate_container_sas(ACCOUNT, name, account_key=ACCOUNT_KEY, permission=permission, expiry=until)
    )


@on_azure
@pytest.mark.parametrize("form", ["connection_string", "key", "shared_access_key", "sas_token", "sas_url"])
def test_a_connection_as_airflows_own_hook_takes_it_needs_no_more(
    cdf: LocalCdf, azurite: Azurite, container: Any, connect: Callable[..., None], form: str
) -> None:
    token = sas(container, "rl")
    fields = {
        "connection_string": {"conn_type": "wasb", "extra": {"connection_string": azurite.connection_string}},
        "key": azurite.connection_fields(),
        "shared_access_key": azurite.connection_fields(password="", extra={"shared_access_key": ACCOUNT_KEY}),
        "sas_token": azurite.connection_fields(password="", extra={"sas_token": f"?{token}"}),
        "sas_url": {"conn_type": "wasb", "extra": {"sas_token": f"https://x?{token}"}, "host": azurite.url},
    }
    if form == "sas_url":
        fields[form] = {"conn_type": "wasb", "extra": {"sas_token": f"{azurite.url}?{token}"}}
    connect("azure", fields[form])
    upsert(f"abfs://azure@{container.container_name}/in")
    assert cdf.held() == {"a": {"number": 1}}


@on_azure
def test_a_connection_that_names_no_account_is_told(container: Any, connect: Callable[..., None]) -> None:
    connect("azure", {"conn_type": "wasb"})
    message = refusal(f"abfs://azure@{container.container_name}/in/a.ndjson")
    assert "connection 'azure' (type 'wasb') names no storage account. Set its Login" in message


# Azure: how often it is asked, and what is logged


@on_azure
@pytest.mark.parametrize("path", ["in/a.csv", "in", "in/*.csv"])
def test_each_blob_is_asked_about_once_and_once_more_at_its_end(
    cdf: LocalCdf, azurite: Azurite, azure: str, container: Any, path: str
) -> None:
    container.delete_blob("in/a.ndjson")
    container.upload_blob("in/a.csv", b"id,number\na,1\n")
    before = len(azurite.requests(container.container_name))
    upsert(f"{azure}/{path}", mapping=MAPPING)
    requests = azurite.requests(container.container_name)[before:]
    asked = [one for one in requests if one.startswith("HEAD") and one.endswith("/in/a.csv")]
    assert len(asked) <= 2, requests
    assert cdf.held() == {"a": {"number": 1}}


@on_azure
def test_a_blob_that_was_written_since_the_last_load_is_seen(
    cdf: LocalCdf, azure: str, container: Any
) -> None:
    upsert(f"{azure}/in/a.ndjson")
    container.upload_blob("in/a.ndjson", LINE + LINE.replace(b'"a"', b'"c"'), overwrite=True)
    assert object_storage_path(f"{azure}/in/a.ndjson").stat().st_size == 2 * len(LINE)
    upsert(f"{azure}/in/a.ndjson")
    assert cdf.held().keys() == {"a", "c"}


@on_azure
def test_requests_of_a_load_are_not_logged_unless_the_user_wants_it(
    cdf: LocalCdf, azure: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    upsert(f"{azure}/in/a.ndjson")
    assert not [one for one in caplog.records if one.name.startswith(("azure", "adlfs", "urllib3"))]
    assert logging.getLogger("azure").level == logging.NOTSET
    caplog.set_level(logging.INFO, logger="azure")
    upsert(f"{azure}/in/a.ndjson")
    assert [one for one in caplog.records if one.name.startswith("azure")]
    assert logging.getLogger("azure").level == logging.INFO


# Azure: what it refuses


@on_azure
@pytest.mark.parametrize("path", ["in/a.ndjson", "in", "in/*.ndjson"])
def test_a_wrong_key_is_final_and_stays_secret(
    azurite: Azurite, azure: str, connect: Callable[..., None], path: str
) -> None:
    connect("azure", azurite.connection_fields(password=OTHER_KEY))
    message = refusal(f"{azure}/{path}")
    assert f"path '{azure}/{path}' cannot be accessed: no permission" in message
    assert "AuthorizationFailure" in message
    assert message.endswith("A retry cannot help.")
    assert OTHER_KEY not in message


@on_azure
def test_a_key_that_is_no_key_is_final(azurite: Azurite, azure: str, connect: Callable[..., None]) -> None:
    connect("azure", azurite.connection_fields(password="some-password"))
    message = refusal(f"{azure}/in/a.ndjson")
    assert f"path '{azure}/in/a.ndjson' cannot be" in message
    assert "some-password" not in message


@on_azure
def test_a_missing_container_is_told(azure: str) -> None:
    for path in ("a.ndjson", "in/a.ndjson", "in/*.ndjson", ""):
        message = refusal(f"abfs://azure@nowhere/{path}")
        assert "There is no container abfs://azure@nowhere" in message
    message = refusal(f"{azure}/in/a.ndjson", rejected_path="abfs://azure@nowhere/rejected.ndjson")
    assert "rejected_path 'abfs://azure@nowhere/rejected.ndjson' cannot be written" in message
    assert "ContainerNotFound" in message


@on_azure
def test_a_missing_folder_is_told(azure: str) -> None:
    for path in ("nowhere/a.ndjson", "nowhere/*.ndjson"):
        assert f"There is no folder {azure}/nowhere." in refusal(f"{azure}/{path}")


@on_azure
def test_a_read_that_is_cut_is_worth_a_retry(
    azurite: Azurite, azure: str, container: Any, connect: Callable[..., None]
) -> None:
    container.upload_blob("in/cut.ndjson", LINE * 1000)
    with cutting_proxy(azurite.port, b"/in/cut.ndjson HTTP", after=10_000) as port:
        connect("azure", azurite.connection_fields(host=f"http://127.0.0.1:{port}/{ACCOUNT}"))
        message = refusal(f"{azure}/in/cut.ndjson", AirflowException, lines=2)
    assert f"{azure}/in/cut.ndjson cannot be accessed: " in message
    assert "A retry may help." in message


def test_errors_of_azures_library_are_told_apart() -> None:
    from azure.core import exceptions

    class Answered:
        def __init__(self, status: int) -> None:
            self.status_code, self.reason, self.headers = status, "Reason", {"x-ms-error-code": "Code"}

        def text(self, *_: object) -> str:
            return "<string to sign: sig=abc>"

    for status in (400, 401, 403, 408, 409, 429, 500, 503):
        error = exceptions.HttpResponseError(response=Answered(status))
        assert storage_error("a", error).retryable is (status in (408, 429, 500, 503)), status
    for error in (
        exceptions.ServiceRequestError("Cannot connect to host"),
        exceptions.ServiceResponseError("Connection reset by peer"),
        exceptions.IncompleteReadError("only half of it"),
        exceptions.ClientAuthenticationError("DefaultAzureCredential failed to retrieve a token"),
    ):
        assert storage_error("a", error).retryable
    signed = exceptions.HttpResponseError("Signature did not match. sig=a%2Fb&se=2030 AccountKey=abc==;")
    assert "sig=***&se=2030 AccountKey=***;" in str(storage_error("a", signed))


@on_azure
def test_a_container_that_may_only_be_read_takes_no_rejected_path(
    cdf: LocalCdf, azurite: Azurite, azure: str, container: Any, connect: Callable[..., None]
) -> None:
    token = sas(container, "rl")
    connect("azure", azurite.connection_fields(password="", extra={"sas_token": token}))
    container.upload_blob("in/b.ndjson", BAD_LINE)
    message = refusal(f"{azure}/in", rejected_path=f"{azure}/out/rejected.ndjson", max_rejected=1)
    assert f"rejected_path '{azure}/out/rejected.ndjson' cannot be written: no permission" in message
    assert not re.search("sig=[^*]", message)
    assert not cdf.held(), "it is found before the first record is sent"


@on_azure
def test_looking_whether_a_container_can_be_written_leaves_nothing(
    cdf: LocalCdf, azure: str, container: Any
) -> None:
    upsert(f"{azure}/in/a.ndjson", rejected_path=f"{azure}/out/rejected.ndjson")
    assert [blob.name for blob in container.list_blobs()] == ["in/a.ndjson"]
    container.upload_blob("in/b.ndjson", BAD_LINE)
    upsert(f"{azure}/in/b.ndjson", rejected_path=f"{azure}/out/rejected.ndjson", max_rejected=1)
    content = container.download_blob("out/rejected.ndjson").readall()
    assert json.loads(content)["externalId"] == "b"


@on_azure
def test_a_pattern_in_a_folder_whose_name_has_brackets(cdf: LocalCdf, azure: str, container: Any) -> None:
    container.upload_blob("plant [1]/b.ndjson", LINE)
    container.upload_blob("plant 1/c.ndjson", LINE.replace(b'"a"', b'"c"'))
    upsert(f"{azure}/plant [1]/*.ndjson")
    assert cdf.held().keys() == {"a"}


# SFTP


@on_sftp
def test_a_file_of_sftp_is_loaded(cdf: LocalCdf, sftp: SftpServer, files: Any) -> None:
    for url in (f"sftp://sftp@/{files.name}/a.ndjson", f"ssh://sftp@127.0.0.1/{files.name}/a.ndjson"):
        summary = upsert(url)
        assert (summary.read, cdf.held()) == (1, {"a": {"number": 1}})
    assert upsert(f"sftp://sftp@127.0.0.1:{sftp.port}/{files.name}").read == 1


@on_sftp
def test_a_url_whose_file_stands_where_its_host_belongs_loads_nothing(cdf: LocalCdf, files: Any) -> None:
    message = refusal("sftp://sftp@one.ndjson")
    assert "'one.ndjson', after the @, is a host" in message
    assert message.endswith("Write sftp://sftp@/one.ndjson.")
    message = refusal(f"sftp://sftp@{files.name}/a.ndjson")
    assert f"Write sftp://sftp@/{files.name}/a.ndjson" in message
    assert not cdf.held()


@on_sftp
def test_a_private_key_in_a_connection_is_used_and_stays_secret(
    sftp: SftpServer, files: Any, connect: Callable[..., None]
) -> None:
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    fields = sftp.connection_fields()
    fields["extra"] |= {"private_key": key}
    connect("sftp", fields)
    assert upsert_reads(f"sftp://sftp@/{files.name}/a.ndjson")
    fields["extra"] |= {"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-of-a-key\n"}
    connect("sftp_2", fields)
    message = refusal(f"sftp://sftp_2@/{files.name}/a.ndjson")
    assert "secret-of-a-key" not in message


def upsert_reads(url: str) -> bool:
    with storage_path(url, "path").open("rb") as file:
        return file.read() == LINE


@on_sftp
def test_what_sftp_refuses_is_told(sftp: SftpServer, files: Any, connect: Callable[..., None]) -> None:
    url = f"sftp://sftp@/{files.name}"
    assert f"There is no folder {url}/no." in refusal(f"{url}/no/a.ndjson")
    assert f"There is no folder {url}/no." in refusal(f"{url}/no/*.ndjson")
    connect("wrong", sftp.connection_fields() | {"password": "another-password"})
    message = refusal(f"sftp://wrong@/{files.name}/a.ndjson")
    assert "cannot be accessed: no permission (PermissionError: Permission denied" in message
    assert "another-password" not in message
    connect("gone", sftp.connection_fields() | {"port": 1})
    message = refusal(f"sftp://gone@/{files.name}/a.ndjson", AirflowException)
    assert message.endswith("A retry may help.")


@on_sftp
def test_a_folder_of_sftp_that_cannot_be_written_takes_no_rejected_path(
    cdf: LocalCdf, sftp: SftpServer, files: Any
) -> None:
    (sftp.root / "locked").mkdir(exist_ok=True)
    (files / "b.ndjson").write_bytes(BAD_LINE)
    for name in ("rejected.ndjson", "deeper/rejected.ndjson"):
        path = f"sftp://sftp@/locked/{name}"
        message = refusal(f"sftp://sftp@/{files.name}", rejected_path=path, max_rejected=1)
        assert f"rejected_path '{path}' cannot be written: no permission" in message
    path = f"sftp://sftp@/{files.name}/a.ndjson/rejected.ndjson"
    message = refusal(f"sftp://sftp@/{files.name}", rejected_path=path, max_rejected=1)
    assert f"sftp://sftp@/{files.name}/a.ndjson is not a folder" in message
    assert not cdf.held(), "it is found before the first record is sent"


@on_sftp
def test_rejected_records_go_to_a_folder_of_sftp_that_is_made_for_them(cdf: LocalCdf, files: Any) -> None:
    (files / "b.ndjson").write_bytes(BAD_LINE)
    path = f"sftp://sftp@/{files.name}/out/of/it/rejected.ndjson"
    upsert(f"sftp://sftp@/{files.name}/a.ndjson", rejected_path=path)
    assert sorted(file.name for file in files.iterdir()) == ["a.ndjson", "b.ndjson"]
    upsert(f"sftp://sftp@/{files.name}", rejected_path=path, max_rejected=1)
    assert json.loads((files / "out/of/it/rejected.ndjson").read_bytes())["externalId"] == "b"


@on_sftp
def test_a_pattern_in_a_folder_of_sftp_whose_name_has_brackets(cdf: LocalCdf, files: Any) -> None:
    for name, record in (("plant [1]", "b"), ("plant 1", "c")):
        (files / name).mkdir()
        (files / name / "x.ndjson").write_bytes(LINE.replace(b'"a"', f'"{record}"'.encode()))
    upsert(f"sftp://sftp@/{files.name}/plant [1]/*.ndjson")
    assert cdf.held().keys() == {"b"}


@on_sftp
def test_connections_of_sftp_are_not_logged(
    cdf: LocalCdf, files: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    upsert(f"sftp://sftp@/{files.name}/a.ndjson")
    assert not [one for one in caplog.records if one.name.startswith("asyncssh")]
