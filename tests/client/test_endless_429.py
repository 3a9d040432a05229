"""Answers of 429 that ask for no wait end a request, too."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.client import CdfApiError, CdfClient, ClientConfig, RetryPolicy, StaticToken
from tests.scripted_server import Answer, ScriptedServer


def test_a_server_that_always_asks_to_come_again_at_once_is_given_up_after_max_wait() -> None:
    retry = RetryPolicy(max_attempts=2, max_wait=0.05, base=0.01, cap=0.01)
    with ScriptedServer() as server:
        server.answer("/records/upsert", Answer(429, headers={"Retry-After": "0"}))
        config = ClientConfig(server.url, "p", StaticToken("t"), environment=False, retry=retry)
        with CdfClient(config) as client, pytest.raises(CdfApiError, match="429"):
            client.upsert_records("alarms", b'{"items":[{}]}')
        assert len(server.asked) > 2
