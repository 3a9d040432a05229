"""Faults of the token endpoint and of what a client looks at beforehand, and clocks that differ."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from airflow_provider_cdf_records.local_server.http.faults import ELSEWHERE, Elsewhere
from airflow_provider_cdf_records.local_server.http.faults.on_others import ADDRESSES, ON_OTHERS
from tests.local_server.conftest import Raw, a_record
from tests.waiting import PATIENCE

CASES = [(endpoint, kind) for endpoint, kinds in ELSEWHERE.items() for kind in kinds]
INSPECTED: dict[str, Any] = {
    "projects missing": (None, ...),
    "projects null": (None, ...),
    "projects empty": ([], ...),
    "projects as names": (["local"], ...),
    "capabilities missing": (..., None),
    "capabilities null": (..., None),
    "capabilities empty": (..., []),
    "capabilities as names": (..., ["streamsAcl", "streamRecordsAcl", "dataModelsAcl"]),
}


def ask(raw: Raw, endpoint: str) -> requests.Response:
    match endpoint:
        case "token":
            return raw.ask_for_token()
        case "inspect":
            address = f"{raw.url}/api/v1/token/inspect"
            return requests.get(address, headers=raw.headers, timeout=PATIENCE)
        case "stream":
            return raw.get("/streams/mutable?includeStatistics=true")
        case _:
            return raw.post("/models/containers/byids", {"items": [{"space": "s", "externalId": "C"}]})


def test_every_kind_is_known_to_its_endpoint() -> None:
    assert ELSEWHERE.keys() == ADDRESSES.keys() == ON_OTHERS.keys()
    assert all(kind in ON_OTHERS[endpoint] for endpoint, kind in CASES)


@pytest.mark.parametrize(("endpoint", "kind"), CASES)
def test_what_a_fault_does(server: LocalServer, raw: Raw, endpoint: str, kind: str) -> None:
    truth = ask(raw, endpoint)
    with server.faults(0, rate=0, slow=0.05, elsewhere={endpoint: Elsewhere([kind])}) as plan:
        if kind == "cut":
            with pytest.raises(requests.ConnectionError):
                ask(raw, endpoint)
        else:
            answer = ask(raw, endpoint)
            assert answer.status_code == (int(kind[:3]) if kind[:3].isdigit() else 200)
            assert (answer.text == truth.text) == (kind == "slow" and endpoint != "token")
    assert plan.injected == {f"{endpoint}: {kind}": 1}
    assert ask(raw, endpoint).ok


@pytest.mark.parametrize("status", ["400", "401", "404", "409", "422"])
def test_the_token_endpoint_refuses_as_identity_providers_do(
    server: LocalServer, raw: Raw, status: str
) -> None:
    with server.faults(0, rate=0, elsewhere={"token": Elsewhere([status])}):
        assert raw.ask_for_token().json().keys() == {"error", "error_description"}


@pytest.mark.parametrize("kind", INSPECTED)
def test_shapes_of_an_inspected_token(server: LocalServer, raw: Raw, kind: str) -> None:
    truth = ask(raw, "inspect").json()
    with server.faults(0, rate=0, elsewhere={"inspect": Elsewhere([kind])}):
        answer = ask(raw, "inspect").json()
    for key, value in zip(("projects", "capabilities"), INSPECTED[kind], strict=True):
        assert answer.get(key) == (truth[key] if value is ... else value)
        assert (key in answer) == (kind != f"{key} missing")


def test_how_many_faults_there_are_and_when_they_begin(server: LocalServer, raw: Raw) -> None:
    faults = {"token": Elsewhere(["503"], after=2, times=3)}
    with server.faults(0, rate=0, elsewhere=faults) as plan:
        assert [raw.ask_for_token().status_code for _ in range(7)] == [200, 200, 503, 503, 503, 200, 200]
    assert plan.requests == {"token": 7}


def test_the_same_seed_makes_the_same_faults_whatever_else_is_asked(server: LocalServer, raw: Raw) -> None:
    def seen(seed: int) -> list[int]:
        faults = {name: Elsewhere(["404", "401", "503"], rate=0.5) for name in ("token", "inspect")}
        with server.faults(seed, rate=0, elsewhere=faults):
            return [raw.ask_for_token().status_code for _ in range(20)]

    first = seen(1)
    assert {200, 401, 404, 503} == set(first)
    assert ask(raw, "inspect").ok
    assert seen(1) == first != seen(2)


def test_record_writes_are_left_alone_by_faults_elsewhere(server: LocalServer, raw: Raw) -> None:
    everywhere = {name: Elsewhere(kinds) for name, kinds in ELSEWHERE.items()}
    with server.faults(0, rate=0, elsewhere=everywhere):
        assert raw.upsert(a_record()).ok
        assert raw.get("/streams").ok
        assert raw.held().keys() == {"a"}


@pytest.mark.parametrize("skew", [-7200, 0, 7200])
def test_answers_are_dated_by_a_clock_that_is_off(server: LocalServer, raw: Raw, skew: float) -> None:
    server.clock.stop()
    with server.faults(0, rate=0, clock_skew=skew):
        answers = [raw.get("/streams"), raw.ask_for_token(), raw.upsert(a_record())]
    for answer in answers:
        ahead = parsedate_to_datetime(answer.headers["Date"]).timestamp() - server.clock.now_ms() / 1000
        assert skew - 1 <= ahead <= skew


@pytest.mark.parametrize("skew", [-3000, 3000])
def test_a_token_lives_longer_or_shorter_than_its_answer_says(skew: float) -> None:
    with LocalServer(clock=Clock(stopped=True)) as server, server.faults(0, rate=0, lifetime_skew=skew):
        raw = Raw(server.url, server.settings)
        assert raw.ask_for_token().json()["expires_in"] == 3600 + skew
        server.clock.advance(3599)
        assert raw.get("/streams").ok
        server.clock.advance(2)
        assert raw.get("/streams").status_code == 401


@pytest.mark.parametrize(
    "options",
    [
        {"kinds": ["500 or so"]},
        {"elsewhere": {"nowhere": Elsewhere([])}},
        {"elsewhere": {"token": Elsewhere(["no items"])}},
    ],
)
def test_an_unknown_fault_is_an_error_that_names_the_known_ones(
    server: LocalServer, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"unknown fault '.*'; there are: "), server.faults(0, **options):
        pass
