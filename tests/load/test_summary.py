"""The numbers that a load ends with, and the words around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.load import Load, batches, checkpoint, identity_count, tally
from airflow_provider_cdf_records.load.summary import Summary, count_of
from airflow_provider_cdf_records.load.tally import TooManyRejectedError
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.records.errors import LoadFailedError
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from airflow_provider_cdf_records.sources.formats import ndjson
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, REFUSED_BY_CDF, SPACE, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer, client_of
from tests.state_store import Memory

trying_once = partial(client_of, max_attempts=1)

BAD: dict[str, Any] = {"space": SPACE, "externalId": "", "sources": []}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def numbers(summary: Summary) -> tuple[int, ...]:
    return summary.read, summary.accepted, summary.superseded, summary.rejected, summary.unsettled


@pytest.mark.parametrize("records_in_request", [1, 7, 1000])
def test_distinct_identities_do_not_depend_on_where_requests_begin(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, records_in_request: int
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", records_in_request)
    rows = [a_record(str(number % 90), number=number) for number in range(100)]
    summary = Load(cdf.client, UPSERT, STREAM, RecordsSource([*rows, BAD]), max_rejected=1).run()
    assert (summary.read, summary.identities, summary.rejected) == (101, 90, 1)
    assert summary.accepted + summary.superseded == 100
    assert summary.as_dict()["identities"] == 90


@pytest.mark.parametrize("verb", [INGEST, DELETE], ids=lambda verb: verb.name)
def test_every_verb_counts_distinct_identities(cdf: LocalCdf, verb: Any) -> None:
    rows = [a_record("a"), a_record("b"), a_record("a")]
    assert Load(cdf.client, verb, STREAM, RecordsSource(rows), max_rejected=1).run().identities == 2


@pytest.mark.parametrize(("distinct", "counted"), [(10, 10), (11, None)])
def test_more_identities_than_fit_into_little_memory_are_not_counted(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, distinct: int, counted: int | None
) -> None:
    monkeypatch.setattr(identity_count, "MAX_COUNTED", 10)
    rows = [a_record(str(number % distinct)) for number in range(30)]
    assert Load(cdf.client, UPSERT, STREAM, RecordsSource(rows)).run().identities == counted


@pytest.mark.parametrize("failed_request", range(1, 9))
def test_numbers_are_of_the_whole_load_over_all_tries(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    failed_request: int,
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    rows = [a_record(str(number - number % 2), number=number) for number in range(60)]
    rows[3] = rows[30] = rows[59] = BAD
    path, store = tmp_path / "rows.ndjson", Memory()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def load() -> Load:
        return Load(
            trying_once(server),
            UPSERT,
            STREAM,
            FileSource(path),
            check_schema=False,
            max_rejected=3,
            max_concurrency=1,
            state_store=store,
            rejected_path=tmp_path / "rejected.ndjson",
        )

    whole = load()
    server.answer("/upsert", Answer(202))
    whole.run()
    server.answer("/upsert", *[Answer(202)] * failed_request, Answer(503), Answer(202))
    first, second = load(), load()
    if failed_request < whole.summary().requests:
        with pytest.raises(LoadFailedError):
            first.run()
        assert first.summary().unsettled > 0
    second.run()
    assert numbers(second.summary()) == numbers(whole.summary()) == (60, 30, 27, 3, 0)
    if second.summary().resumed_from is not None:
        assert second.summary().requests <= whole.summary().requests
        assert second.summary().identities is None


def test_a_load_that_did_not_run_has_a_summary(server: ScriptedServer) -> None:
    assert numbers(Load(trying_once(server), UPSERT, STREAM, RecordsSource([])).summary()) == (
        0,
        0,
        0,
        0,
        0,
    )


def failing(cdf: LocalCdf, rows: Any, **arguments: Any) -> str:
    with pytest.raises(TooManyRejectedError) as failure:
        Load(cdf.client, UPSERT, STREAM, RecordsSource(rows), **arguments).run()
    return str(failure.value)


def many_rows(first: Any = BAD) -> Iterator[Any]:
    yield first
    yield from (a_record(str(number)) for number in range(100_000))


READ, REST = "that had been read", "the rest of the source"


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        (lambda: [BAD], []),
        (lambda: [a_record("a"), BAD], [READ]),
        (lambda: [a_record("a"), a_record("b", time=REFUSED_BY_CDF)], []),
        (lambda: [BAD, *(a_record(str(number)) for number in range(1500))], [READ, REST]),
        (many_rows, [READ, REST]),
        (lambda: many_rows(a_record("bad", time=REFUSED_BY_CDF)), [READ, REST]),
    ],
    ids=["nothing", "read", "refused by CDF", "a list", "a generator", "a generator, refused by CDF"],
)
def test_what_a_load_leaves_out_that_stopped_for_its_rejects_is_said(
    cdf: LocalCdf, rows: Callable[[], Any], left_out: list[str]
) -> None:
    message = failing(cdf, rows())
    assert ("not loaded. Run the task again" in message) == bool(left_out)
    assert [words for words in (READ, REST) if words in message] == left_out


@pytest.mark.parametrize("rows", [3, 300])
def test_a_file_that_was_read_to_its_end_has_no_rest(cdf: LocalCdf, tmp_path: Path, rows: int) -> None:
    (tmp_path / "rows.csv").write_text("tag,n\n" + "x,bad\n" + "a,1\n" * (rows - 1))
    mapping = read_mapping(
        {
            "space": SPACE,
            "external_id": "{tag}",
            "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "n"}}],
        }
    )
    with pytest.raises(TooManyRejectedError) as failure:
        Load(cdf.client, UPSERT, STREAM, FileSource(tmp_path / "rows.csv"), mapping).run()
    message = str(failure.value)
    assert f"1 of {rows} records read was rejected" in message
    assert f"The load stopped there: {rows - 1} records that had been read are not loaded." in message


@pytest.mark.parametrize(
    ("bad", "words"), [(1, "The rejected record is in "), (3, "All 3 rejected records are in ")]
)
def test_it_is_said_which_records_are_in_the_rejected_file(
    cdf: LocalCdf, tmp_path: Path, bad: int, words: str
) -> None:
    path = tmp_path / "rejected.ndjson"
    assert f"\n{words}{path}." in failing(cdf, [BAD] * bad, rejected_path=path)


JUDGED = "max_rejected allows 0.1 of all, which was judged at the end, when all was read. "


def test_a_share_says_that_it_was_judged_at_the_end(cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*(a_record(str(number)) for number in range(7)), BAD]
    assert f"{JUDGED}7 were upserted" in failing(cdf, rows, max_rejected=0.1)
    assert "judged" not in failing(cdf, rows)
    monkeypatch.setattr(tally, "SHARE_AFTER", 1)
    assert "judged" not in failing(cdf, [BAD, *rows], max_rejected=0.1)


def test_what_is_left_out_is_not_in_the_rejected_file_either(cdf: LocalCdf, tmp_path: Path) -> None:
    message = failing(cdf, [a_record("a"), BAD], rejected_path=tmp_path / "rejected.ndjson")
    assert "not loaded, nor in the rejected file. Run the task again" in message


def test_a_load_that_failed_before_a_row_was_read_does_not_say_that_there_was_nothing(
    cdf: LocalCdf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (tmp_path / "rows.csv").write_text("tag\na\n")
    with pytest.raises(LoadFailedError, match="need a mapping") as failure:
        Load(cdf.client, UPSERT, STREAM, FileSource(tmp_path / "rows.csv")).run()
    assert "no records were read" not in f"{failure.value}{caplog.text}"


def test_a_failed_load_tells_its_numbers_once(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server.answer("/upsert", Answer(403))
    with pytest.raises(LoadFailedError) as failure:
        Load(trying_once(server), UPSERT, STREAM, RecordsSource([a_record()]), check_schema=False).run()
    assert f"{failure.value}{caplog.text}".count("Upserted 0 of 1 record") == 1


def test_an_error_and_the_summary_are_sentences_of_their_own(server: ScriptedServer) -> None:
    server.answer("/upsert", Answer(403, {"error": {"code": 403, "message": "is that you?"}}))
    with pytest.raises(LoadFailedError, match=r"is that you\?\nUpserted 0 of 1 record into") as failure:
        Load(trying_once(server), UPSERT, STREAM, RecordsSource([a_record()]), check_schema=False).run()
    assert "?." not in str(failure.value)


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 retries"), (1, "1 retry"), (2, "2 retries"), (1000, "1,000 retries")]
)
def test_one_of_something_is_not_several(number: int, said: str) -> None:
    assert count_of(number, "retry", "retries") == said
