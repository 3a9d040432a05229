from __future__ import annotations

import gc
import sys

import pytest

from airflow_provider_cdf_records.load.python_tuning import tuned_for_loading


def test_the_interpreter_is_put_back_as_it_was_also_after_a_failure() -> None:
    before = gc.get_threshold(), sys.getswitchinterval()
    with pytest.raises(ValueError, match="any"), tuned_for_loading():
        assert gc.get_threshold()[0] > before[0][0]
        assert sys.getswitchinterval() < before[1]
        raise ValueError("any")
    assert (gc.get_threshold(), sys.getswitchinterval()) == before


def test_settings_that_are_better_already_are_left_alone() -> None:
    before = gc.get_threshold(), sys.getswitchinterval()
    try:
        gc.set_threshold(0)
        sys.setswitchinterval(0.0001)
        mine = gc.get_threshold(), sys.getswitchinterval()
        with tuned_for_loading():
            assert (gc.get_threshold(), sys.getswitchinterval()) == mine
    finally:
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
