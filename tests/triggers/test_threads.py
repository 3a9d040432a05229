"""Which thread of a triggerer asks Airflow's supervisor."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from importlib import import_module
from threading import Event
from typing import Any

import pytest

from airflow_provider_cdf_records.client.shared_call import SharedCall
from airflow_provider_cdf_records.triggers.threads import Threads
from airflow_provider_cdf_records.version_compat import AIRFLOW_3, mask_secret
from airflow_provider_cdf_records.version_compat.secrets import asking
from tests.waiting import PATIENCE


def test_a_new_token_is_masked_from_where_airflow_finds_its_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from asgiref.sync import async_to_sync

    loops = []

    async def ask_supervisor() -> None:
        loops.append(asyncio.get_running_loop())

    def mask(_: Any) -> None:  # as Airflow 3.0 and 3.1 do in a triggerer
        async_to_sync(ask_supervisor)()

    module = "airflow.sdk.log" if AIRFLOW_3 else "airflow.utils.log.secrets_masker"
    monkeypatch.setattr(import_module(module), "mask_secret", mask)

    def wait_for(running: Future[Any]) -> None:
        wait([running])

    async def trigger() -> None:
        fetch = SharedCall(lambda: mask_secret("a new token"), wait_for)
        await Threads(1).call(lambda: fetch(unless=lambda: None))
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(trigger())


class AskedLoop(asyncio.SelectorEventLoop):
    """An event loop that tells when another thread has put something into its queue."""

    def __init__(self) -> None:
        self.was_asked = Event()
        super().__init__()

    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> asyncio.Handle:
        handle = super().call_soon_threadsafe(*args, **kwargs)
        self.was_asked.set()
        return handle


@pytest.mark.parametrize("is_closed", [True, False])
def test_who_asks_an_event_loop_that_has_ended_does_not_wait_for_ever(*, is_closed: bool) -> None:
    loop = AskedLoop()
    ask = loop.run_until_complete(Threads(1).call(asking.get))
    assert ask is not None
    loop.was_asked.clear()
    if is_closed:
        loop.close()
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(ask, lambda: None)
        assert is_closed or loop.was_asked.wait(PATIENCE)
        loop.close()
        with pytest.raises((RuntimeError, CancelledError)):
            asked.result(PATIENCE)


def test_the_event_loop_itself_does_not_wait_for_itself_to_mask_a_secret() -> None:
    async def trigger() -> None:
        asked = await Threads(1).call(asking.get)
        assert asked is not None
        assert asking.get() is None

    asyncio.run(trigger())
