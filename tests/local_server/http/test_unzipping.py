"""Bodies are unpacked, or refused in the same words, whatever library unpacks them."""

from __future__ import annotations

import zlib
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.http import unzipping
from airflow_provider_cdf_records.local_server.http.unzipping import GZIP_WINDOW, unzip

MOST = 300
CONTENT = st.binary(max_size=MOST + 20) | st.text("ab", max_size=MOST + 20).map(str.encode)


def zipped(content: bytes, level: int = 1) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, GZIP_WINDOW)
    return stream.compress(content) + stream.flush()


def outcome(packed: bytes, *, with_isal: bool) -> bytes | tuple[int, str]:
    with ExitStack() as stack:
        if not with_isal:
            stack.enter_context(pytest.MonkeyPatch.context()).setattr(unzipping, "isal_zlib", None)
        try:
            return unzip(packed, MOST)
        except ApiError as error:
            return error.status, error.message


@given(CONTENT, st.sampled_from([0, 1, 9]))
def test_what_was_packed_comes_out_or_is_too_large(content: bytes, level: int) -> None:
    expected = content if len(content) <= MOST else (413, "body: more than 300 bytes of uncompressed JSON.")
    assert outcome(zipped(content, level), with_isal=True) == expected
    assert outcome(zipped(content, level), with_isal=False) == expected


@given(CONTENT, st.data())
def test_damage_is_told_in_the_same_words(content: bytes, data: st.DataObject) -> None:
    packed = bytearray(zipped(content, data.draw(st.sampled_from([0, 1]))))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, 9) | st.integers(0, len(packed) - 1))
        packed[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(packed)) | st.integers(0, len(packed)))
    damaged = bytes(packed[:end]) + data.draw(st.binary(max_size=3) | st.just(zipped(b"more")))
    assert outcome(damaged, with_isal=True) == outcome(damaged, with_isal=False)


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (b"", "cut short"),
        (b"{}", "not the gzip data"),
        (zipped(b"{}")[:-1], "cut short"),
        (zipped(b"{}")[:-8] + bytes(8), "not the gzip data"),
        (zipped(b"{}")[:3] + b"\x20" + zipped(b"{}")[4:], "not the gzip data"),
        (zipped(b"{}")[:3] + b"\x80" + zipped(b"{}")[4:], "not the gzip data"),
    ],
)
def test_what_is_wrong_is_said(packed: bytes, why: str) -> None:
    with pytest.raises(ApiError, match=why) as refused:
        unzip(packed, MOST)
    assert refused.value.status == 400
