from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from airflow_provider_cdf_records.records.errors import SourceError, StorageError
from airflow_provider_cdf_records.sources import files_of, kind_that_takes
from airflow_provider_cdf_records.sources.storage import is_folder, look_at

NAMES = [
    "b.csv",
    "a.csv",
    "10.csv",
    "9.ndjson",
    "_SUCCESS",
    ".hidden.csv",
    "inner/c.csv",
    "inner/deep/d.csv",
    "_temporary/e.csv",
]


@pytest.fixture(params=["local", "objects"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A folder on a disk, and one in a store of objects."""
    folder = (
        UPath(f"memory://{tmp_path.name}/data") if request.param == "objects" else UPath(tmp_path / "data")
    )
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a\n1\n")
    return folder


def names_of(folder: Any, path: Any) -> list[str]:
    return [str(file).removeprefix(f"{folder}/") for file in files_of(path)]


def test_a_folder_is_its_files_in_the_order_of_their_names(folder: Any) -> None:
    assert names_of(folder, folder) == ["10.csv", "9.ndjson", "a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.csv", ["10.csv", "a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[a-z].csv", ["a.csv", "b.csv"]),
        ("*/*.csv", ["inner/c.csv"]),
        ("inner/*", ["inner/c.csv"]),
        ("_temporary/*", ["_temporary/e.csv"]),
        ("**/*.csv", ["10.csv", "a.csv", "b.csv", "inner/c.csv", "inner/deep/d.csv"]),
        ("*", ["10.csv", "9.ndjson", "a.csv", "b.csv"]),
    ],
)
def test_a_pattern_is_the_files_that_it_matches(folder: Any, pattern: str, expected: list[str]) -> None:
    assert names_of(folder, folder / pattern) == expected


def test_a_file_is_itself_also_where_its_name_looks_like_a_pattern(tmp_path: Path) -> None:
    for name in ("a.csv", "a[1].csv"):
        path = UPath(tmp_path / name)
        path.write_bytes(b"a\n1\n")
        assert files_of(path) == [path]


def test_a_path_of_nothing_is_left_to_the_reader(tmp_path: Path) -> None:
    assert files_of(UPath(tmp_path / "missing.csv")) == [UPath(tmp_path / "missing.csv")]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda folder: folder, "is a folder with no files"),
        (lambda folder: folder / "*.csv", "is a pattern with no files"),
        (lambda folder: folder / "missing" / "*.csv", "is a pattern with no files"),
    ],
    ids=["folder", "pattern", "pattern in a missing folder"],
)
def test_no_files_are_refused(tmp_path: Path, make: Callable[[Any], Any], what: str) -> None:
    (tmp_path / "_SUCCESS").write_bytes(b"")
    with pytest.raises(SourceError, match=what):
        files_of(make(UPath(tmp_path)))


PATTERNS = [
    *("*.csv", "?.csv", "[a-z].csv", "[!a]*.csv", "*", "*/*.csv", "*/*/*.csv", "inner/*", "_temporary/*"),
    *("**/*.csv", "**/d.csv", "inner/**/*.csv", "inner/deep/?.csv", "*.ndjson", "none/*"),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_file_belongs_to_a_pattern_if_it_would_be_found(folder: Any, pattern: str) -> None:
    found = set() if pattern == "none/*" else set(names_of(folder, folder / pattern))
    belong = {name for name in NAMES if kind_that_takes(folder / pattern, folder / name) == "pattern"}
    assert belong == found


def test_a_file_belongs_to_a_folder_if_it_would_be_found(folder: Any) -> None:
    belong = {name for name in NAMES if kind_that_takes(folder, folder / name) == "folder"}
    assert belong == set(names_of(folder, folder))
    assert kind_that_takes(folder / "inner", folder / "a.csv") is None
    assert kind_that_takes(folder / "a.csv", folder / "a.csv") is None


def test_a_file_that_is_not_there_yet_belongs_to_a_pattern_too(folder: Any) -> None:
    assert kind_that_takes(folder / "*.csv", folder / "new.csv") == "pattern"
    assert kind_that_takes(folder / "*.csv", folder / "new.ndjson") is None
    assert kind_that_takes(folder / "*.csv", folder / "_new.csv") is None
    assert kind_that_takes(folder / "*.csv", folder.parent / "new.csv") is None
    assert kind_that_takes(folder / "*.csv", folder.parent / "data2" / "new.csv") is None


def test_a_file_on_other_storage_belongs_to_no_folder(folder: Any, tmp_path: Path) -> None:
    for path in (folder, folder / "*"):
        assert kind_that_takes(path, UPath(f"ftp://host{folder.path}/a.csv")) is None


@pytest.mark.parametrize("look", [look_at, is_folder])
def test_what_cannot_be_looked_at_is_not_taken_for_nothing(
    tmp_path: Path, look: Callable[[Any], Any]
) -> None:
    with pytest.raises(OSError, match="too long"):
        look(tmp_path / ("x" * 300))


def test_storage_that_does_not_tell_what_a_path_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        msg = "it does not answer"
        raise ConnectionError(msg)

    monkeypatch.setattr(MemoryFileSystem, "info", fail)
    path = UPath("memory://bucket/data")
    with pytest.raises(StorageError, match="does not answer"):
        kind_that_takes(path, path / "a.csv")
