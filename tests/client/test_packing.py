"""Packing of request bodies, with and without ISA-L."""

from __future__ import annotations

import gzip
import importlib.util
import random
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import packing

Pack = Callable[[bytes], bytes]

TRIES = 200  # to see two threads run at the same time, which an operating system promises at no one moment


def pack_without_isal() -> Pack:
    """Return ``pack`` as it is where ISA-L is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "isal", None)
        spec = importlib.util.spec_from_file_location("packing_without_isal", packing.__file__)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    assert module.isal_zlib is None
    found: Pack = module.pack
    return found


WAYS = {"zlib": pack_without_isal()}
if packing.isal_zlib is not None:
    WAYS["isal"] = packing.pack
both_ways = pytest.mark.parametrize("pack", WAYS.values(), ids=WAYS)


def test_isal_is_used_where_it_is_installed() -> None:
    has_isal = importlib.util.find_spec("isal") is not None
    assert (packing.isal_zlib is not None) is has_isal


@both_ways
@settings(max_examples=200)
@given(body=st.binary(max_size=2000) | st.text(max_size=500).map(str.encode).map(lambda text: text * 200))
def test_what_is_packed_unpacks_to_the_same(pack: Pack, body: bytes) -> None:
    assert gzip.decompress(pack(body)) == body


@both_ways
def test_the_largest_requests_are_packed_well(pack: Pack) -> None:
    record = b'{"space":"plant","externalId":"%d","sources":[{"properties":{"tag":"PT-%d"}}]}'
    body = b",".join(record % (number, number % 50) for number in range(130_000))[:10_000_000]
    packed = pack(body)
    assert len(packed) < len(body) / 7
    assert gzip.decompress(packed) == body


@both_ways
def test_equal_bodies_become_equal_bytes(pack: Pack) -> None:
    assert pack(b"{}") == pack(b"{}")
    assert pack(b"{}")[4:8] == b"\0\0\0\0"  # no time in the header


@both_ways
def test_threads_pack_at_the_same_time(pack: Pack) -> None:
    bodies = [random.Random(seed).randbytes(100_000) for seed in range(40)]
    with ThreadPoolExecutor(8) as threads:
        assert [gzip.decompress(packed) for packed in threads.map(pack, bodies)] == bodies


@both_ways
def test_other_threads_compute_while_one_packs(pack: Pack) -> None:
    """No thread gives up Python's lock by itself here, so this one runs once ``pack`` has released it."""
    body = b"abcdefgh" * 2_000_000
    with threads_that_never_take_turns():
        for _ in range(TRIES):
            begun, ended = threading.Event(), []

            def work(begun: threading.Event = begun, ended: list[bool] = ended) -> None:
                begun.set()
                pack(body)
                ended.append(True)

            thread = threading.Thread(target=work)
            thread.start()
            begun.wait()
            is_still_packing = not ended
            thread.join()
            if is_still_packing:
                return
    pytest.fail("No other thread ran during any of the calls.")


@contextmanager
def threads_that_never_take_turns() -> Iterator[None]:
    """Have Python switch between threads only where one waits, or releases the lock."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
