"""What URLs of storages say, and those that cannot mean anything."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.hooks.storage_urls import read_url
from airflow_provider_cdf_records.records.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("url", "read_as"),
    [
        ("s3://aws@bucket/a b.csv", "s3://aws@bucket/a b.csv"),
        ("S3A://bucket/a.csv", "s3a://bucket/a.csv"),
        ("gs://google@bucket", "gs://google@bucket"),
        ("az://container/a.csv", "abfs://container/a.csv"),
        ("wasbs://conn@container/a.csv", "abfs://conn@container/a.csv"),
        ("abfss://c@acc.dfs.core.windows.net/x/a.csv", "abfs://wasb_default@c/x/a.csv"),
        ("abfss://conn@c@acc.dfs.core.windows.net/x/a.csv", "abfs://conn@c/x/a.csv"),
        ("wasbs://c@acc.blob.core.chinacloudapi.cn/x", "abfs://wasb_default@c/x"),
        ("abfs://c@acc.privatelink.blob.core.windows.net/x", "abfs://wasb_default@c/x"),
        ("abfs://acc.dfs.core.windows.net/c/x", "abfs://wasb_default@c/x"),
        ("https://acc.blob.core.windows.net/c/a%20b.csv", "abfs://wasb_default@c/a b.csv"),
        ("https://conn@ACC.blob.core.windows.net/c/a.csv", "abfs://conn@c/a.csv"),
        ("https://acc.z01.blob.storage.azure.net/c/a.csv", "abfs://wasb_default@c/a.csv"),
        ("sftp://conn@/a.csv", "sftp://conn@/a.csv"),
        ("sftp://conn@host:22/x/a.csv", "sftp://conn@/x/a.csv"),
    ],
)
def test_an_url_has_one_form_for_each_storage(url: str, read_as: str) -> None:
    assert str(read_url(url)) == read_as


@pytest.mark.parametrize(
    "url",
    [
        "/data/a.csv",
        "a:b.csv",
        "file:///data/a.csv",
        "https://host/a.csv?x=1",
        "https://user:password@host/a.csv",
        "https://acc.blob.core.windows.net/c/a.csv?sv=1&sig=x",
        "memory://x/a.csv",
    ],
)
def test_other_paths_are_left_as_they_are(url: str) -> None:
    assert read_url(url) is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://", "names no bucket: s3://<connection>@<bucket>/<path>"),
        ("s3://conn@/a.csv", "names no bucket"),
        ("s3:/bucket/a.csv", "has two slashes"),
        ("s3:bucket/a.csv", "has two slashes"),
        ("gs:///a.csv", "names no bucket"),
        ("abfs://conn@/a.csv", "names no container: abfs://<connection>@<container>/<path>"),
        ("az://", "names no container"),
        ("abfss://acc.dfs.core.windows.net/", "names no container: abfss://<container>@acc.dfs"),
        ("abfss://c@acc.example.com/a.csv", "is no container, nor a host of Azure's"),
        ("https://conn@acc.blob.core.windows.net/c/a.csv?sig=x", "leave out one of them"),
        ("https:///a.csv", "names no host"),
        ("http://:80/a.csv", "names no host"),
        ("sftp://conn@one.csv", "'one.csv', after the @, is a host, .* Write sftp://conn@/one.csv"),
        ("sftp://conn@", "names no path. Write sftp://conn@/<path>"),
        ("sftp://files.example.com/in/a.csv", "names no connection. Write sftp://<connection>@/in/a.csv"),
        ("sftp://in/a.csv", "names no connection. Write sftp://<connection>@/in/a.csv"),
        ("file://data/a.csv", "is a host, here 'data'. Write file:///<path>"),
        ("file://", "names no path"),
    ],
)
def test_an_url_that_cannot_mean_what_it_says_is_told(url: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^path '.*' cannot be opened: .*{message}"):
        storage_path(url, "path")


@pytest.mark.parametrize("scheme", ["sftp", "s3", "abfs"])
def test_a_password_in_an_url_is_not_shown(scheme: str) -> None:
    with pytest.raises(InvalidArgumentError, match="holds a user and a password") as refused:
        storage_path(f"{scheme}://user:pass@word@host/a.csv", "path")
    assert "pass" not in str(refused.value).replace("a password", "")
    assert f"'{scheme}://***@host/a.csv'" in str(refused.value)
