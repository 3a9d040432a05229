"""`airflow cdf suggest` and `airflow cdf check`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from tests.commands.running import FILES

TAKES_COMMANDS = '"cli"' in files("airflow").joinpath("provider_info.schema.json").read_text()

pytestmark = pytest.mark.skipif(not TAKES_COMMANDS, reason="this Airflow takes no commands of providers")


def test_airflow_has_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from airflow.cli import cli_parser

    parser = cli_parser.get_parser()
    file = str(FILES / "alarms.csv")
    out = str(tmp_path / "out")
    suggest = ["cdf", "suggest", file, "--space", "plant", "--container", "Alarm", "--out", out]
    arguments = parser.parse_args(suggest)
    with pytest.raises(SystemExit) as end:
        arguments.func(arguments)
    assert end.value.code == 0
    check = ["cdf", "check", file, "--mapping", f"{out}/alarm.json", "--containers", f"{out}/cdf.yaml"]
    arguments = parser.parse_args(check)
    with pytest.raises(SystemExit) as end:
        arguments.func(arguments)
    assert end.value.code == 0
    assert "20 would be sent, 0 rejected" in capsys.readouterr().out
