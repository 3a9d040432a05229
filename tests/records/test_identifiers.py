from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import (
    InvalidRecordError,
    are_external_ids,
    check_external_id,
    check_space,
    check_stream_id,
)


@pytest.mark.parametrize("stream_id", ["a", "alarms", "a-b_c9", "x" * 100])
def test_good_stream_ids_pass(stream_id: str) -> None:
    assert check_stream_id(stream_id) == stream_id


@pytest.mark.parametrize(
    "stream_id",
    [
        "",
        "A",
        "1a",
        "a-",
        "a_",
        "x" * 101,
        "logs",
        "records",
        "cdf_x",
        "cognite_x",
        "a b",
        "a\n",
        "a/b",
        None,
    ],
)
def test_bad_stream_ids_are_refused(stream_id: object) -> None:
    with pytest.raises(InvalidArgumentError, match="stream_id"):
        check_stream_id(stream_id)


@pytest.mark.parametrize("space", ["a", "P-1_x", "x" * 43])
def test_good_spaces_pass(space: str) -> None:
    check_space(space)


@pytest.mark.parametrize("space", ["", "1", "a-b c", "a\n", "x" * 44, "system", "cdf"])
def test_bad_spaces_are_refused_by_the_fields_name(space: str) -> None:
    with pytest.raises(InvalidRecordError, match=r"^sources\.space: "):
        check_space(space, "sources.space")


@given(st.lists(st.text() | st.integers(254, 258).map("x".__mul__)))
def test_external_ids_are_good_together_when_each_is(external_ids: list[str]) -> None:
    def is_good(external_id: str) -> bool:
        try:
            check_external_id(external_id)
        except InvalidRecordError:
            return False
        return True

    assert are_external_ids(external_ids) == all(map(is_good, external_ids))
