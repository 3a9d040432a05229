"""Files on web servers of many habits, all real: they arrive whole, or an error says so."""

from __future__ import annotations

import http.server
import json
import logging
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.records.errors import MissingSourceError, StorageError
from airflow_provider_cdf_records.sources import FileSource, files_of, web
from airflow_provider_cdf_records.sources.storage import shown_url
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.faults.test_secrets import all_of_error
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.sources.changing import MAPPING, NAMES, ROWS, ChangingSource, content
from tests.sources.reading import rows_of
from tests.sources.web_server import FileServer, basic
from tests.state_store import Memory

HABITS: dict[str, dict[str, Any]] = {
    "parts": {"ranges": True, "etag": '"1"'},
    "parts, without a version": {"ranges": True},
    "parts of something encoded": {"ranges": True, "encoding": "gzip"},
    "a length": {},
    "chunks": {"length": "chunked"},
    "no length": {"length": "unknown"},
    "gzip": {"encoding": "gzip"},
    "gzip in chunks": {"encoding": "gzip", "length": "chunked"},
    "gzip without a length": {"encoding": "gzip", "length": "unknown"},
    "deflate": {"encoding": "deflate"},
}
SIGNATURE, PASSWORD = "c2lnbmF0dXJl%2Bsecret%3D", "pass-word-of-the-web"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PART", 1 << 16)


def source_of(url: str) -> FileSource:
    return FileSource(*files_of(storage_path(url, "path")))


def numbers_in(source: FileSource) -> list[int]:
    return [int(row["number"]) for _, row in rows_of(source)]


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("name", NAMES)
def test_a_file_arrives_whole_from_a_server_of_any_habit(habit: str, name: str) -> None:
    with FileServer(content(name, 7), **HABITS[habit]).running() as server:
        numbers = numbers_in(source_of(f"{server.url}/in/{name}"))
    assert numbers == [7] * (2 * ROWS if name.endswith(".zip") else ROWS)
    assert "HEAD" not in server.asked, "what it says is not what a GET gives"


@pytest.mark.parametrize("habit", sorted(set(HABITS) - {"no length"}))
def test_a_connection_that_is_cut_is_worth_a_retry(habit: str) -> None:
    with FileServer(content("a.ndjson", 7), cut=5000, **HABITS[habit]).running() as server:
        url = f"{server.url}/a.ndjson"
        with pytest.raises(StorageError, match=f"{url} cannot be accessed: ") as failed:
            numbers_in(source_of(url))
    assert failed.value.retryable


@pytest.mark.parametrize("length", ["told", "unknown"])
def test_an_encoding_that_ends_too_soon_is_no_whole_file(length: str) -> None:
    with (
        FileServer(content("a.ndjson", 7), encoding="gzip", spoil=100, length=length).running() as server,
        pytest.raises(StorageError, match="ends before its end mark") as failed,
    ):
        numbers_in(source_of(f"{server.url}/a.ndjson"))
    assert failed.value.retryable


def test_where_a_cut_cannot_be_seen_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with FileServer(content("a.ndjson", 7), length="unknown").running() as server:
        numbers_in(source_of(f"{server.url}/a.ndjson"))
    assert "a.ndjson: the server neither tells the length of its answer nor marks its end" in caplog.text


@pytest.mark.parametrize("ranges", [False, True])
def test_an_empty_file_is_empty(ranges: bool) -> None:
    with FileServer(b"", ranges=ranges).running() as server:
        assert numbers_in(source_of(f"{server.url}/a.ndjson")) == []


def test_an_encoding_that_is_not_known_is_told() -> None:
    with (
        FileServer(content("a.ndjson", 7), encoding="br").running() as server,
        pytest.raises(StorageError, match=r"a\.ndjson .* content encoding br, .* or with gzip") as failed,
    ):
        numbers_in(source_of(f"{server.url}/a.ndjson"))
    assert not failed.value.retryable


def test_a_file_is_asked_for_once_where_a_server_gives_no_parts() -> None:
    """Such an address may be good for one answer only."""
    with FileServer(content("a.csv", 7)).running() as server:
        source = source_of(f"{server.url}/a.csv")
        source.fingerprint()
        source.columns_of(0)
        list(source)
    assert server.asked == ["GET bytes=0-65535"]


def test_what_is_not_there_is_missing() -> None:
    with (
        FileServer(b"", redirect="/led/a.csv", status=404).running() as server,
        pytest.raises(MissingSourceError, match=rf"{server.url}/a\.csv\?id=\*\*\* does not exist"),
    ):
        list(source_of(f"{server.url}/a.csv?id=5"))


def test_each_part_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    file = content("a.ndjson", 7)
    with FileServer(file, ranges=True, etag='"1"').running() as server:
        numbers_in(source_of(f"{server.url}/a.ndjson"))
    assert len(server.asked) == -(-len(file) // (1 << 16))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_changes_between_two_parts_ends_the_load(cdf: LocalCdf, name: str) -> None:
    with FileServer(content(name, 1), ranges=True, etag='"1"').running() as server:
        source = ChangingSource(*files_of(storage_path(f"{server.url}/{name}", "path")))

        def change() -> None:
            server.content, server.etag = content(name, 2), '"2"'

        source.change = change
        with pytest.raises(AirflowException, match=rf"{name} changed while it was being loaded") as failed:
            CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING)
    assert not isinstance(failed.value, AirflowFailException)


@pytest.mark.parametrize("end", [-1, None])
def test_a_file_without_a_version_is_read_as_it_was_at_the_first_answer(end: int | None) -> None:
    """Parts of the one that is written meanwhile could not be told from its own."""
    before, after = (5 * content("a.ndjson", number) for number in (1, 2))
    with FileServer(before, ranges=True).running() as server:
        source = ChangingSource(*files_of(storage_path(f"{server.url}/a.ndjson", "path")))
        source.change = lambda: setattr(server, "content", after[:end])
        numbers = numbers_in(source)
    assert len(numbers) == 5 * ROWS
    assert set(numbers) == {1}


def test_a_file_that_pythons_server_sends_while_it_changes_ends_the_load(
    tmp_path: Path, cdf: LocalCdf
) -> None:
    """It tells when the file was written, and gives no parts."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(content("a.ndjson", 1))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.ndjson"
        assert set(numbers_in(source_of(url))) == {1}
        source = ChangingSource(*files_of(storage_path(url, "path")))
        source.change = lambda: path.write_bytes(content("a.ndjson", 2))
        with pytest.raises(AirflowException, match=r"a\.ndjson changed while"):
            CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING)
        server.shutdown()


def test_a_retry_goes_on_only_where_the_server_tells_a_version() -> None:
    for etag, is_same in (('"1"', True), (None, False)):
        with FileServer(content("a.ndjson", 1), ranges=True, etag=etag).running() as server:
            before, after = (source_of(f"{server.url}/a.ndjson").fingerprint() for _ in range(2))
        assert (before == after) is is_same


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv.gz", "a.parquet", "a.zip", "a%2Endjson"])
def test_a_query_does_not_hide_the_suffix(cdf: LocalCdf, name: str) -> None:
    with FileServer(content(name.replace("%2E", "."), 7), ranges=True).running() as server:
        url = f"{server.url}/in/{name}?sv=2024&sig={SIGNATURE}&path=x.json"
        CdfRecordsHook().upsert_file(STREAM, url, mapping=MAPPING)
    assert len(cdf.held()) == ROWS


def test_a_url_is_asked_for_as_it_is_written() -> None:
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"
        for path in ("/a//b/../a.csv?sig=a%2Fb%2B%3d&u=http://x/y", "/ä b.csv?q=ü", "/%C3%A4.csv"):
            list(source_of(root + path))
        list(FileSource(UPath(f"{root}/x.csv?sig=a%2Fb")))
        server.shutdown()
    assert seen == [
        "/a//b/../a.csv?sig=a%2Fb%2B%3d&u=http://x/y",
        "/%C3%A4%20b.csv?q=%C3%BC",
        "/%C3%A4.csv",
        "/x.csv?sig=a%2Fb",
    ]


def test_a_redirection_is_followed(cdf: LocalCdf) -> None:
    with (
        FileServer(content("a.parquet", 7), ranges=True).running() as store,
        FileServer(b"", redirect=f"{store.url}/led/x?sig={SIGNATURE}").running() as server,
    ):
        CdfRecordsHook().upsert_file(STREAM, f"{server.url}/a.parquet", mapping=MAPPING)
    assert len(cdf.held()) == ROWS


def test_user_and_password_of_a_url_are_used(cdf: LocalCdf) -> None:
    with FileServer(content("a.csv", 7), login=f"reader:{PASSWORD}").running() as server:
        url = f"http://reader:{PASSWORD}@{server.host}/a.csv"
        CdfRecordsHook().upsert_file(STREAM, url, mapping=MAPPING)
        with pytest.raises(AirflowFailException, match=r"//\*\*\*@.*/a\.csv cannot .*no permission.*401"):
            CdfRecordsHook().upsert_file(STREAM, url.replace("reader", "other"), mapping=MAPPING)
    assert len(cdf.held()) == ROWS


def test_options_of_a_path_are_used(cdf: LocalCdf) -> None:
    login = f"reader:{PASSWORD}"
    with FileServer(content("a.csv", 7), login=login).running() as server:
        path = UPath(f"{server.url}/a.csv", client_kwargs={"headers": {"Authorization": basic(login)}})
        CdfRecordsHook().upsert_file(STREAM, path, mapping=MAPPING)
    assert len(cdf.held()) == ROWS


@pytest.mark.parametrize(
    "habit",
    [
        {"ranges": True, "etag": '"1"'},
        {"cut": 1000},
        {"ranges": True, "cut": 1000},
        {"encoding": "br"},
        {"login": "x:y"},
        {"redirect": f"http://127.0.0.1:9/gone?sig={SIGNATURE}"},
        {"redirect": f"/led/nowhere?sig={SIGNATURE}", "login": "x:y"},
        {"redirect": f"nope://x?sig={SIGNATURE}"},
        {"length": "unknown"},
    ],
)
def test_values_of_a_query_and_passwords_are_told_nowhere(
    cdf: LocalCdf,
    habit: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    rows = [a_record("bad", number="none"), *(a_record(str(n), number=n) for n in range(3000))]
    file = "".join(json.dumps(row) + "\n" for row in rows).encode()
    said, state = [], Memory()
    hook = CdfRecordsHook()
    with FileServer(file, **habit).running() as server, caplog.at_level(logging.DEBUG):
        for host in (server.host, f"reader:{PASSWORD}@{server.host}"):
            url = f"http://{host}/in/a.ndjson?sv=1&sig={SIGNATURE}"
            for max_rejected in (0, 1):
                try:
                    summary = hook.upsert_file(
                        STREAM,
                        url,
                        rejected_path=tmp_path / "rejected.ndjson",
                        max_rejected=max_rejected,
                        state_store=state,
                        on_end=lambda summary: said.append(repr(summary)),
                    )
                    said.append(str(summary))
                except AirflowException as error:
                    said.append(all_of_error(error))
                said.append(repr(state.kept))
    for path in tmp_path.iterdir():
        said.append(path.read_text())
        if habit.get("etag"):
            assert "a.ndjson?sv=***&sig=***" in said[-1]
    output = capfd.readouterr()
    everything = "".join([*said, caplog.text, output.out, output.err])
    assert "/in/a.ndjson" in everything
    for secret in (SIGNATURE, "c2lnbmF0dXJl", PASSWORD):
        assert secret not in everything


def test_a_web_server_is_not_written_to(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"")
    with pytest.raises(AirflowFailException, match=r"rejected_path 'http://.*\?sig=\*\*\*' is on"):
        CdfRecordsHook().upsert_file(STREAM, path, rejected_path="http://127.0.0.1:9/a.ndjson?sig=x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a.csv", "https://host/a.csv"),
        ("https://host:8/a.csv?sig=x&sv=&flag;b=c=d", "https://host:8/a.csv?sig=***&sv=***&***;b=***"),
        ("HTTPS://user:p@ss@host/a@b.csv#token", "HTTPS://***@host/a@b.csv"),
        ("https://token@host/a.csv", "https://***@host/a.csv"),
        ("https://host?sig=x/y@z", "https://host?sig=***"),
        ("s3://aws_default@bucket/a?.csv", "s3://aws_default@bucket/a?.csv"),
        ("sftp://user:password@host/a#1.csv", "sftp://***@host/a#1.csv"),
        ("/data/a?b=c.csv", "/data/a?b=c.csv"),
        ("simplecache::https://host/a.csv?sig=x", "simplecache::https://host/a.csv?sig=***"),
        ("zip://a.csv::https://me:x@host/a.zip?sig=x", "zip://a.csv::https://***@host/a.zip?sig=***"),
        ("s3://bucket/a::b.csv", "s3://bucket/a::b.csv"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
