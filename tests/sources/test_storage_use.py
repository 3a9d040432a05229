"""The libraries of storages are quiet while any load runs, and log as before afterwards."""

from __future__ import annotations

import logging
import threading

import pytest

from airflow_provider_cdf_records.sources.storage_use import quiet_libraries


def test_libraries_are_quiet_until_the_last_load_has_ended() -> None:
    logger = logging.getLogger("azure")
    first_is_in, may_end = threading.Event(), threading.Event()

    def load() -> None:
        with quiet_libraries():
            first_is_in.set()
            may_end.wait()

    other = threading.Thread(target=load)
    other.start()
    first_is_in.wait()
    with quiet_libraries():
        assert logger.level == logging.WARNING
    assert logger.level == logging.WARNING, "the other one still runs"
    may_end.set()
    other.join()
    assert logger.level == logging.NOTSET


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_a_level_that_the_user_has_set_stays(level: int) -> None:
    logger = logging.getLogger("asyncssh")
    logger.setLevel(level)
    try:
        with quiet_libraries():
            assert logger.level == level
        assert logger.level == level
        logger.setLevel(logging.NOTSET)
        with quiet_libraries():
            logger.setLevel(level)
        assert logger.level == level, "set meanwhile"
    finally:
        logger.setLevel(logging.NOTSET)
