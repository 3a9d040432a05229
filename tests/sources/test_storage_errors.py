"""What storage answers instead of a file, and paths that lead to none: a clear error that names the path."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from upath import UPath

from airflow_provider_cdf_records.records.errors import MissingSourceError, SourceError, StorageError
from airflow_provider_cdf_records.sources import FileSource, files_of
from airflow_provider_cdf_records.sources.storage_errors import storage_error
from tests.sources.reading import refusal, rows_of
from tests.sources.test_archives import csv_of, write_zip


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with the status in the path, such as ``/403/a.csv``, and with a table."""

    content = b"n\n1\n"

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.content)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def source_of(url: str) -> FileSource:
    return FileSource(*files_of(UPath(url)))


@pytest.mark.parametrize("name", ["a.csv", "a.csv?sig=x%2F&v=[1]*", "in/a.csv?x=b.json"])
def test_a_file_is_read_from_the_web(web: str, name: str) -> None:
    assert rows_of(source_of(f"{web}/200/{name}")) == [(1, {"n": "1"})]


@pytest.mark.parametrize("status", [404, 410])
def test_what_the_web_does_not_have_is_missing(web: str, status: int) -> None:
    url = f"{web}/{status}/a.csv"
    with pytest.raises(MissingSourceError, match=f"{url} does not exist"):
        list(source_of(url))


@pytest.mark.parametrize(
    ("status", "message", "is_retryable"),
    [
        (401, "no permission", False),
        (403, "no permission", False),
        (400, "Bad Request", False),
        (429, "Too Many Requests", True),
        (500, "Internal Server Error", True),
        (503, "Service Unavailable", True),
    ],
)
def test_an_answer_of_the_web_says_whether_to_try_again(
    web: str, status: int, message: str, is_retryable: bool
) -> None:
    url = f"{web}/{status}/a.csv"
    with pytest.raises(StorageError, match=f"^{url} cannot be accessed: .*{message}") as failed:
        list(source_of(url))
    assert failed.value.retryable is is_retryable


@pytest.mark.parametrize("host", ["http://127.0.0.1:{port}", "https://storage.invalid"])
def test_a_server_that_cannot_be_reached_is_worth_a_retry(host: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"{host.format(port=unused.getsockname()[1])}/a.csv"
        with pytest.raises(
            StorageError, match=f"^{url} cannot be accessed: .*Cannot connect to host"
        ) as failed:
            list(source_of(url))
    assert failed.value.retryable
    assert failed.value.__cause__ is not None


class NoCredentialsError(Exception):
    """As botocore names it."""


@pytest.mark.parametrize(
    ("error", "kind", "message", "is_retryable"),
    [
        (FileNotFoundError("a"), MissingSourceError, "does not exist", False),
        (PermissionError("AccessDenied"), StorageError, "no permission (PermissionError: Access", False),
        (TimeoutError(), StorageError, "cannot be accessed: TimeoutError.", True),
        (ConnectionResetError("gone"), StorageError, "ConnectionResetError: gone.", True),
        (NoCredentialsError("Unable to locate credentials"), StorageError, "s3://aws_default@bucket", True),
        (KeyError("x"), StorageError, "KeyError: 'x'", True),
    ],
)
def test_errors_of_storage_of_any_kind_are_told(
    error: Exception, kind: type[SourceError], message: str, is_retryable: bool
) -> None:
    told = storage_error("s3://bucket/a.csv", error)
    assert type(told) is kind
    assert str(told).startswith("s3://bucket/a.csv ")
    assert message in str(told)
    assert told.retryable is is_retryable


# On this machine


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "is a named pipe; path must name a file"),
        (lambda path: os.symlink("/dev/zero", path), "is a device; path must name a file"),
        (
            lambda path: os.symlink("nowhere", path),
            "does not exist. It is a symbolic link that leads nowhere",
        ),
        (lambda path: os.symlink("a.csv", path), "a.csv"),
        (os.mkdir, "is a folder"),
    ],
    ids=["pipe", "device", "broken link", "loop", "folder"],
)
def test_a_path_that_is_no_file_is_told(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "a.csv"
    make(path)  # type: ignore[operator]
    assert message in refusal(path)


def test_names_that_cannot_be_are_told(tmp_path: Path) -> None:
    assert "File name too long" in refusal(tmp_path / f"{'x' * 300}.csv")
    (tmp_path / "a.csv").write_bytes(csv_of(1))
    assert "does not exist" in refusal(tmp_path / "a.csv" / "b.csv")


@pytest.mark.skipif(os.name == "nt", reason="it is a path there")
def test_a_path_of_windows_is_told() -> None:
    for path in (Path("C:\\data\\a.csv"), Path("c:/data/a.csv")):
        assert "It is a path of Windows" in refusal(path)


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    for name in ("snö ☃.csv", "a'b\".csv", os.fsdecode(b"\xff.csv"), "new\nline.csv", "a[1]*?.csv"):
        (tmp_path / name).write_bytes(csv_of(1))
        assert rows_of(FileSource(*files_of(UPath(tmp_path / name)))) == [(1, {"n": "1"})]


def test_a_path_that_matches_nothing_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "*.csv"):
        with pytest.raises(MissingSourceError):
            files_of(UPath(path))
    write_zip(tmp_path / "x.zip", {})
    with pytest.raises(MissingSourceError):
        FileSource(*files_of(UPath(tmp_path)))
