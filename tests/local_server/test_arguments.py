"""The command line's options: what they mean, and what is wrong with those that mean nothing."""

from __future__ import annotations

import sys

import pytest

from airflow_provider_cdf_records.local_server import Quota, Settings
from airflow_provider_cdf_records.local_server.arguments import parse_arguments, settings_of


def settings(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Settings:
    monkeypatch.setattr(sys, "argv", ["local_server", *arguments])
    return settings_of(parse_arguments())


@pytest.mark.parametrize(
    ("option", "value", "name", "expected"),
    [
        ("--latency", "0.5", "latency", 0.5),
        ("--requests-per-second", "10", "requests_per_second", Quota(10)),
        ("--requests-per-second", ":5", "requests_per_second", Quota(None, 5)),
        ("--max-records", "0", "max_records", 0),
        ("--max-streams", "3", "max_streams", (3, None)),
        ("--max-streams", "3:30", "max_streams", (3, 30)),
        ("--max-streams", ":30", "max_streams", (None, 30)),
    ],
)
def test_an_option_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, option: str, value: str, name: str, expected: object
) -> None:
    assert getattr(settings(monkeypatch, option, value), name) == expected


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--latency", "soon", "must be a number, got 'soon'"),
        ("--latency", "-1", "must be a number of 0 or more, got '-1'"),
        ("--latency", "inf", "must be a number of 0 or more, got 'inf'"),
        ("--fault-rate", "often", "must be a number, got 'often'"),
        ("--fault-rate", "nan", "must be a number from 0 to 1, got 'nan'"),
        ("--bytes-per-second", "1:2:3", "must be a number, got '2:3'"),
        ("--parallel-writes", "0", "must be more than 0"),
        ("--max-records", "-1", "must be a whole number of 0 or more, got '-1'"),
        ("--max-records", "1.5", "must be a whole number of 0 or more, got '1.5'"),
        ("--max-streams", "2.5", "must be a whole number of 0 or more, got '2.5'"),
        ("--max-streams", "3:30:4", "must be a whole number of 0 or more, got '30:4'"),
        ("--client", "me", "must be ID:SECRET"),
    ],
)
def test_an_option_that_means_nothing_is_refused_with_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    with pytest.raises(SystemExit):
        settings(monkeypatch, f"{option}={value}")
    assert f"argument {option}: {message}" in capsys.readouterr().err
