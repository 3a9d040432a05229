from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.commands.running import FILES, Commands


def csv_file(tmp_path: Path, rows: list[dict[str, Any]], name: str = "rows.csv") -> Path:
    path = tmp_path / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def ndjson_file(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    path = tmp_path / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def many(count: int = 30, **values: Any) -> list[dict[str, Any]]:
    """Return rows with an id; a value is a list to repeat, or the same in all rows."""
    return [
        {"id": f"r{number}"}
        | {
            name: value[number % len(value)] if isinstance(value, list) else value
            for name, value in values.items()
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2"], "int32"),
        (["1", "3000000000"], "int64"),
        (["9223372036854775807", "-9223372036854775808"], "int64"),
        (["1", "9223372036854775808"], "text"),
        (["1.5", "2"], "float64"),
        (["1e3", "-.5"], "float64"),
        (["1234567890123456789.5", "1"], "text"),
        (["007", "008"], "text"),
        (["true", "false"], "boolean"),
        (["yes", "NO"], "boolean"),
        (["0", "1"], "int32"),
        (["y", ""], "text"),
        (["2026-01-02", "2026-12-31"], "date"),
        (["2026-01-02T03:04:05Z", "2026-01-02"], "timestamp"),
        (["2026-01-02", "2026-13-02"], "text"),
        (["12:30", "13:45"], "text"),
        (['{"a": 1}', '{"b": [2]}'], "json"),
        (["[1, 2]", "[]"], "int64[]"),
        (['["a"]', '["b", "c"]'], "text[]"),
        (['["a"]', "[1]"], "json"),
        (["low", "high"], "enum"),
        (["low", "very high"], "text"),
        (["some", "null"], "text"),
    ],
)
def test_types_by_what_is_there(values: list[str], expected: str, commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(v=values)))
    assert suggested.types["v"] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], "int32"),
        ([1, 2.5], "float64"),
        ([True, None], "boolean"),
        (["1", "2"], "text"),
        (["1", 2], "text"),
        ([{"a": 1}, {"b": 2}], "json"),
        ([[1.5], [2]], "float64[]"),
        ([[], []], "json"),
        (["2026-01-02T03:04:05Z"], "timestamp"),
        ([1, {"a": 1}], "json"),
        ([{"a": 1}, {"a": math.nan}], "json"),
        ([[1], [2**63]], "json"),
    ],
)
def test_types_of_json_values(values: list[Any], expected: str, commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(ndjson_file(tmp_path, many(v=values)))
    assert suggested.types["v"] == expected


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("created_at", ["1767225600", "1767225601"], "s"),
        ("timestamp", ["1767225600123", "1767225600456"], "ms"),
        ("serial", ["1767225600", "1767225601"], None),
        ("time", ["12", "13"], None),
    ],
)
def test_numbers_are_times_by_name_and_size(
    name: str, values: list[str], unit: str | None, commands: Commands, tmp_path: Path
) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(**{name: values})))
    given = suggested.mapped[name]
    assert (given["timestamp"] if isinstance(given, dict) else None) == unit


def test_days_and_months_are_told_apart_by_other_columns(commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(a=["01/02/2026"], b=["31/01/2026"])))
    assert suggested.mapped["a"]["timestamp"] == "%d/%m/%Y"


def test_a_day_that_may_be_a_month_stays_text_and_is_said(commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(a=["01/02/2026"])))
    assert suggested.types["a"] == "text"
    assert "%d/%m/%Y or %m/%d/%Y?" in suggested.definitions


def test_texts_that_mean_nothing_in_numbers_do_so_in_all_columns(commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(v=["1", "N/A", "-"], t=["some text", "N/A"])))
    assert suggested.types["v"] == "int32"
    assert suggested.file_options["null_values"] == ["", "N/A", "-"]
    assert "'N/A' counts as missing here, too" in suggested.definitions


def test_texts_that_may_mean_nothing_in_a_column_of_texts_are_said(
    commands: Commands, tmp_path: Path
) -> None:
    rows = many(t=["some text", "n/a", "other text"], level=["none", "low", "high"])
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert suggested.types["t"] in ("text", "enum")
    assert "'n/a' as text: if that means missing, add it to null_values" in suggested.definitions
    assert "'none' as text" not in suggested.definitions


def test_a_code_that_looks_like_a_missing_number_is_kept(commands: Commands, tmp_path: Path) -> None:
    rows = many(v=["1", "NA"], country=["NA", "NO", "DE"])
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert "null_values" not in suggested.file_options
    assert suggested.mapped["v"] == {"column": "v", "null_values": ["", "NA"]}


def test_nullable_is_what_has_missing_values(commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(a=["1", ""], b=["1"])))
    assert suggested.properties["a"] == "int32"
    assert suggested.properties["b"] == {"type": "int32", "nullable": False}


def test_a_sample_says_neither_enum_nor_never_missing(commands: Commands, tmp_path: Path) -> None:
    file = csv_file(tmp_path, many(10_001, n=["1", "2"], state=["on_", "off_"]))
    assert commands.suggest(file).properties == {"id": "text", "n": "int64", "state": "text"}
    everything = commands.suggest(file, "--all", "--force")
    assert everything.types == {"id": "text", "n": "int32", "state": "enum"}
    assert "all of its 10,001 rows" in everything.definitions


def test_a_value_after_the_sample_counts_with_all(commands: Commands, tmp_path: Path) -> None:
    rows = many(10_001, n=["1"])
    rows[-1]["n"] = "x"
    suggested = commands.suggest(csv_file(tmp_path, rows), "--all")
    assert "1 of 10,001 values is no int32, such as 'x' in row 10001" in suggested.definitions


def test_names_of_properties_are_such_that_cdf_takes_them(commands: Commands, tmp_path: Path) -> None:
    names = ["Temp (°C)", "Temp °C", "space", "externalId", "2nd", "Größe", "_x_", "温度", "id"]
    file = csv_file(tmp_path, [dict.fromkeys(names, number) for number in range(3)])
    assert list(commands.suggest(file).properties) == [
        "Temp_C",
        "Temp_C_2",
        "space_value",
        "externalId_value",
        "n2nd",
        "Grosse",
        "x",
        "column_8",
        "id",
    ]


def test_the_fewest_columns_that_are_unique_are_proposed(commands: Commands, tmp_path: Path) -> None:
    rows = [
        {"line": f"L{a}", "tag": f"T{b}", "note": f"free text {a} {b}", "value": f"{a}.{b}5"}
        for a in range(4)
        for b in range(5)
    ]
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert suggested.mapping["external_id"] == "{line}/{tag}"
    assert "the fewest columns found that tell all 20 rows apart" in suggested.out


def test_a_column_with_missing_values_is_no_identity(commands: Commands, tmp_path: Path) -> None:
    rows = [{"key": "" if number == 7 else f"k{number}", "n": f"n{number}"} for number in range(9)]
    assert commands.suggest(csv_file(tmp_path, rows)).mapping["external_id"] == "{n}"


def test_values_with_slashes_are_not_joined_by_one(commands: Commands, tmp_path: Path) -> None:
    rows = [{"a": a, "b": b} for a in ("x", "x/y", "z") for b in ("y/z", "z", "w")]
    assert commands.suggest(csv_file(tmp_path, rows)).mapping["external_id"] == "{a}|{b}"


def test_without_any_identity_it_asks_for_one(commands: Commands, tmp_path: Path) -> None:
    rows = [{"a": "1", "b": ""}, {"a": "1", "b": "2"}, {"a": "1", "b": "3"}]
    file = csv_file(tmp_path, rows)
    answer = commands.run("suggest", file, "--space", "plant", "--container", "T", "--out", commands.folder)
    assert answer.code == 2
    assert "--external-id" in answer.error
    assert not commands.folder.exists()


def test_the_external_id_given_is_taken(commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(v=["1"])), "--external-id", "row-{id}")
    assert suggested.mapping["external_id"] == "row-{id}"


def test_columns_become_relations(commands: Commands, tmp_path: Path) -> None:
    file = ndjson_file(tmp_path, many(pump_id=[1, 2], site=[{"id": "n"}, {"id": "s"}]))
    suggested = commands.suggest(file, "--direct", "pump_id=assets", "--direct", "site.id=places")
    assert suggested.types["pump_id"] == suggested.types["site_id"] == "direct"
    assert suggested.mapped["pump_id"] == {"column": "pump_id", "direct": "assets"}
    assert suggested.mapped["site_id"] == {"column": "site.id", "direct": "places"}
    assert commands.check(suggested).code == 0


def test_other_peoples_files_stay(commands: Commands, tmp_path: Path) -> None:
    file = csv_file(tmp_path, many(v=["1"]))
    commands.folder.mkdir()
    (commands.folder / "thing.json").write_text("mine")
    answer = commands.run("suggest", file, "--space", "s", "--container", "Thing", "--out", commands.folder)
    assert answer.code == 2
    assert "--force" in answer.error
    assert [path.name for path in commands.folder.iterdir()] == ["thing.json"]
    assert (commands.folder / "thing.json").read_text() == "mine"
    commands.suggest(file, "--force")
    assert json.loads((commands.folder / "thing.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv", "--space", "s", "--container", "T"], "missing.csv does not exist"),
        ([FILES / "valves.csv", "--space", "1", "--container", "T"], "--space"),
        ([FILES / "valves.csv", "--space", "s", "--container", "a b"], "--container"),
        ([FILES / "valves.csv", "--space", "s", "--container", "T", "--stream", "A"], "stream_id must be"),
        ([FILES / "valves.csv", "--space", "s", "--container", "T", "--external-id", "{x}"], "no column 'x'"),
        ([FILES / "valves.csv", "--space", "s", "--container", "T", "--direct", "valve"], "COLUMN=SPACE"),
        ([FILES / "valves.csv", "--space", "s", "--container", "T", "--direct", "x=a"], "no values there"),
        ([FILES / "valves.csv", "--space", "s", "--container", "T", "--time-zone", "X"], "time_zone"),
        ([FILES / "valves.csv", "--space", "s", "--container", "T", "--file-options", "1"], "JSON object"),
        (
            [FILES / "valves.csv", "--space", "s", "--container", "T", "--file-format", "x"],
            "file_format must",
        ),
        ([FILES / "valves.csv", "--space", "s"], "--container"),
    ],
)
def test_a_wrong_argument_is_a_line_not_a_traceback(
    arguments: list[str], message: str, commands: Commands
) -> None:
    answer = commands.run("suggest", *arguments, "--out", commands.folder)
    assert answer.code == 2
    assert message in answer.error
    assert "Traceback" not in answer.error


def test_records_as_cdf_takes_them_need_no_mapping(commands: Commands, tmp_path: Path) -> None:
    file = ndjson_file(tmp_path, [{"space": "plant", "externalId": "a", "sources": []}])
    answer = commands.run("suggest", file, "--space", "s", "--container", "T", "--out", commands.folder)
    assert answer.code == 2
    assert "without a mapping" in answer.error


def test_the_dag_names_file_stream_and_mapping(commands: Commands) -> None:
    suggested = commands.suggest(FILES / "german_export.csv", "--stream", "alarms")
    assert suggested.task["stream_id"] == "alarms"
    assert suggested.task["mapping"] == "thing.json"
    assert suggested.task["path"] == str(FILES / "german_export.csv")
    assert suggested.task["rejected_path"] == str(FILES / "_rejected_thing_{{ run_id }}.ndjson")
    assert "max_rejected" not in suggested.task


@pytest.mark.parametrize("has_misfits", [False, True])
def test_the_dag_reads_as_written_by_hand(has_misfits: bool, commands: Commands, tmp_path: Path) -> None:
    file = csv_file(tmp_path, [*many(200, v="1"), {"id": "last", "v": "high"}])
    suggested = commands.suggest(file if has_misfits else FILES / "german_export.csv")
    assert ("max_rejected" in suggested.task) == has_misfits
    path = commands.folder / "load_thing.py"
    # E501: of a path.
    ignored = "D,ANN,INP,S108,I001,CPY,E501" + (
        "" if AIRFLOW_3 else ",AIR3"
    )  # AIR3: what Airflow 3 has elsewhere
    for check in (["check", "--select", "ALL", "--ignore", ignored], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *check, "--isolated", str(path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + path.read_text()


def test_it_needs_no_airflow(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from airflow_provider_cdf_records.commands.running import main\n"
        f"file = {str(FILES / 'alarms.csv')!r}\n"
        "assert main(['suggest', file, '--space', 's', '--container', 'T', '--out', 'o']) == 0\n"
        "assert main(['check', file, '--mapping', 'o/t.json', '--containers', 'o/cdf.yaml']) == 0\n"
        "assert 'airflow' not in sys.modules, 'it takes seconds to import'\n"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "AIRFLOW_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "home" / "airflow.db").exists()


def test_columns_of_one_name_are_numbered(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,v,v\n1,2,3\n4,5,6\n")
    suggested = commands.suggest(tmp_path / "rows.csv")
    assert suggested.file_options == {"header": ["id", "v", "v_2"], "skip_rows": 1}
    assert "2 rows: 2 would be sent" in commands.check(suggested).out


def test_columns_that_some_files_lack_are_optional(commands: Commands, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "a.csv").write_text("id,v\n1,2\n")
    (folder / "b.csv").write_text("id,w\n2,3\n")
    suggested = commands.suggest(folder)
    assert suggested.mapped["v"] == {"column": "v", "optional": True}
    assert suggested.mapped["w"] == {"column": "w", "optional": True}
    assert commands.check(suggested).code == 0


def test_local_times_that_do_not_exist_are_decided_and_said(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,at\n1,2026-03-29 02:30\n2,2026-03-29 12:30\n")
    suggested = commands.suggest(tmp_path / "rows.csv", "--time-zone", "Europe/Oslo")
    assert suggested.mapped["at"] == {"column": "at", "fold": "first"}
    assert "when clocks change, the time by the clock before it (fold)" in suggested.definitions
    assert (
        """column 'at': some local times occur twice, or not at all, when clocks change: "fold": "first" """
        in (suggested.out)
    )
    assert "without a time zone" not in suggested.out
    assert commands.check(suggested).code == 0


def test_times_without_a_zone_are_said_to_be_taken_as_utc(commands: Commands, tmp_path: Path) -> None:
    rows = many(at="2026-01-02 12:30", zoned="2026-01-02T12:30:00Z", day="2026-01-02")
    out = commands.suggest(csv_file(tmp_path, rows)).out
    taken = "without a time zone, taken as UTC; of local time, say which: --time-zone Europe/Oslo"
    assert f"column 'at': {taken}" in out
    assert out.count("without a time zone") == 1


def test_names_with_the_signs_of_format_strings_are_quoted(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('Time:UTC,"{v}"\n2026-01-01 00:00,1\n2026-01-01 00:01,1\n')
    suggested = commands.suggest(tmp_path / "rows.csv")
    assert suggested.mapping["external_id"] == '{"Time:UTC"}'
    assert commands.check(suggested).code == 0


def test_rows_in_a_json_document_are_found(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"data": {"records": [{"id": 1}, {"id": 2}]}}')
    suggested = commands.suggest(tmp_path / "rows.json")
    assert suggested.file_options == {"items": "data.records"}
    assert commands.check(suggested).code == 0


def test_what_is_no_text_is_told(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(bytes(range(256)) * 8)
    answer = commands.run("suggest", tmp_path / "rows.csv", "--space", "s", "--container", "T")
    assert answer.code == 2
    assert "is no text" in answer.error
    (tmp_path / "rows.csv").write_bytes(b"PAR1" + bytes(100))
    answer = commands.run("suggest", tmp_path / "rows.csv", "--space", "s", "--container", "T")
    assert "is no text. Its content looks like Parquet" in answer.error


def test_one_bad_byte_is_no_other_encoding(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("id,t\n1,é\n2,ï\n3,ø\n4,".encode() + b"\xff\n")
    suggested = commands.suggest(tmp_path / "rows.csv")
    assert "encoding" not in suggested.file_options
    assert "1 row cannot be read" in suggested.out


def test_paths_on_other_storage_are_read(commands: Commands) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/bucket/valves.csv", (FILES / "valves.csv").read_bytes())
    suggested = commands.suggest("memory://bucket/valves.csv")  # type: ignore[arg-type]
    assert suggested.task["path"] == "memory://bucket/valves.csv"
    assert suggested.task["rejected_path"] == "memory://bucket/_rejected_thing_{{ run_id }}.ndjson"
    assert "10 would be sent" in commands.check(suggested).out


def test_an_archive_is_read(commands: Commands, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "valves.zip", "w") as archive:
        archive.write(FILES / "valves.csv", "valves.csv")
    suggested = commands.suggest(tmp_path / "valves.zip")
    assert suggested.file_options == {"delimiter": "|"}
    assert "10 would be sent" in commands.check(suggested).out


@pytest.mark.parametrize(
    ("other", "expected"),
    [("2,5", "int64"), ("2.5", "float64"), ("1.234,5", "int64"), ("1,234.5", "float64")],
)
def test_points_between_thousands_are_told_by_other_columns(
    other: str, expected: str, commands: Commands, tmp_path: Path
) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(v=["1.234", "567"], w=[other])))
    assert suggested.types["v"] == expected


def test_points_that_may_be_between_thousands_are_said(commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(v=["1.234", "567"])))
    assert suggested.types["v"] == "float64"
    assert "numbers such as 1.234, taken as fractions" in suggested.definitions


@pytest.mark.parametrize("fraction", ["0.234", "1.23", "1234.567", "-0.500"])
def test_points_that_are_of_fractions_need_no_word(fraction: str, commands: Commands, tmp_path: Path) -> None:
    suggested = commands.suggest(csv_file(tmp_path, many(v=["1.234", fraction])))
    assert suggested.types["v"] == "float64"
    assert "taken as" not in suggested.definitions


def test_a_last_row_of_totals_is_said(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,at,v\n1,x,2\n2,y,3\nTotal:,,5\n")
    assert "looks like totals" in commands.suggest(tmp_path / "rows.csv").out
    (tmp_path / "rows.csv").write_text("id,at,v\nSum,,2\nTotal,y,3\nTotal,,5\n")
    assert "looks like totals" not in commands.suggest(tmp_path / "rows.csv", "--force").out


def test_a_column_that_one_file_names_differently_is_said(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("tag,time\nx,1\nx,2\ny,1\n")
    (tmp_path / "b.csv").write_text("tag,timestamp\nx,3\n")
    answer = commands.run("suggest", tmp_path / "*.csv", "--space", "s", "--container", "T")
    assert answer.code == 2
    assert "'time', 'timestamp'" in answer.error
    suggested = commands.suggest(tmp_path / "*.csv", "--external-id", "{tag}/{time}")
    assert "not in all files: 'time', 'timestamp'" in suggested.out


@pytest.mark.parametrize(
    ("name", "good", "bad", "kind", "words"),
    [
        (
            "v",
            "1",
            ["high"],
            "int32",
            "1 of 200 values is no int32, such as 'high' in row 18: rejected; write",
        ),
        ("v", "1,5", ["high", "low"], "float64", "2 of 200 values are no float64, such as 'high' in row 18"),
        ("t", "30.11.2026 06:04", ["31.11.2026 06:04"], "timestamp", "1 of 200 values is no timestamp"),
        (
            "t",
            "2026-01-02T03:04:05Z",
            ["soon"],
            "timestamp",
            "1 of 200 values is no timestamp, such as 'soon'",
        ),
    ],
)
def test_a_few_values_that_do_not_fit_are_said_and_change_no_type(
    name: str, good: str, bad: list[str], kind: str, words: str, commands: Commands, tmp_path: Path
) -> None:
    rows = many(200, **{name: good})
    for number, value in enumerate(bad, start=17):
        rows[number][name] = value
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert suggested.types[name] == kind
    assert words in suggested.definitions
    assert f"column '{name}': {words.partition('; write')[0]}" in suggested.out


@pytest.mark.parametrize(
    ("count", "bad", "most", "seen"),
    [
        (200, 1, 10, "1 of all 200 rows"),
        (1000, 14, 20, "14 of all 1,000 rows"),
        (10_001, 14, 0.01, "14 of the first 10,000 rows"),
    ],
)
def test_rows_that_do_not_fit_do_not_fail_the_load(
    count: int, bad: int, most: float, seen: str, commands: Commands, tmp_path: Path
) -> None:
    rows = many(count, a="1", b="1")
    for row in rows[50 : 50 + bad]:
        row["a"] = row["b"] = "high"  # one row, though neither value fits
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert suggested.task["max_rejected"] == most
    assert f"# {seen} will be rejected; with 0 the load fails at the first\n" in suggested.dag
    rejected = f"{bad} row{'s' if bad > 1 else ''} will be rejected: the DAG has max_rejected={most}"
    assert rejected in suggested.out


def test_a_row_that_cannot_be_read_does_not_fail_the_load(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,v\n1,2\n2,3\n3,4,5\n")
    assert commands.suggest(tmp_path / "rows.csv").task["max_rejected"] == 10


def test_no_rejected_row_is_announced_where_a_type_took_all(commands: Commands, tmp_path: Path) -> None:
    rows = many(200, at="2026-01-02 03:04")
    rows[7]["at"] = "high"
    rows[8]["at"] = "0001-01-01T00:00:00+14:00"  # before the year 1 in UTC
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert suggested.types["at"] == "text"
    assert "max_rejected" not in suggested.task
    assert "column 'at'" not in suggested.out


@pytest.mark.parametrize(("count", "bad"), [(20, 1), (200, 11)])
def test_many_values_that_do_not_fit_or_few_that_do_are_text(
    count: int, bad: int, commands: Commands, tmp_path: Path
) -> None:
    rows = many(count, v="1")
    for row in rows[:bad]:
        row["v"] = "not a number"
    assert commands.suggest(csv_file(tmp_path, rows)).types["v"] == "text"


def test_a_time_that_alone_tells_the_rows_apart_is_joined_by_what_has_an_id(
    commands: Commands, tmp_path: Path
) -> None:
    rows = [
        {"tag": f"P-{number % 3}", "time": f"2026-01-02T03:04:{number:02d}Z", "value": str(number / 2)}
        for number in range(30)
    ]
    suggested = commands.suggest(csv_file(tmp_path, rows))
    assert suggested.mapping["external_id"] == "{tag}/{time}"
    assert "time alone tells the rows apart, but two rows of one time would be one record" in suggested.out
    alone = [{name: row[name] for name in ("time", "value")} for row in rows]
    assert commands.suggest(csv_file(tmp_path, alone), "--force").mapping["external_id"] == "{time}"


def test_a_column_without_missing_values_says_that_later_files_may_lack_some(
    commands: Commands, tmp_path: Path
) -> None:
    said = "# Leave out 'nullable: false' where values may be missing in later files."
    assert said in commands.suggest(csv_file(tmp_path, many(v="1"))).definitions
    assert said not in commands.suggest(csv_file(tmp_path, many(10_001)), "--force").definitions
