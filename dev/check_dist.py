"""Whether a wheel holds the package: each of its files as it is here, and nothing else.

``python -m dev.check_dist dist/*.whl``, as ``make check-dist`` does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "airflow_provider_cdf_records"


def problems(wheel: Path, root: Path = ROOT) -> list[str]:
    """Return what is missing in a wheel, differs, or does not belong there; empty where nothing is."""
    sources = [path for path in (root / PACKAGE).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    here = {path.relative_to(root).as_posix(): path for path in sources}
    with ZipFile(wheel) as archive:
        there = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    return [
        *(f"{name} is missing" for name in sorted(here.keys() - there.keys())),
        *(f"{name} does not belong there" for name in sorted(there.keys() - here.keys())),
        *(
            f"{name} is another than here"
            for name in sorted(here.keys() & there.keys())
            if here[name].read_bytes() != there[name]
        ),
    ]


def main() -> None:
    wheels = [Path(name) for name in sys.argv[1:]]
    if len(wheels) != 1:
        sys.exit(f"One wheel is checked, and these are {len(wheels)}: {sys.argv[1:]}")
    if found := problems(wheels[0]):
        sys.exit("\n".join(f"{wheels[0].name}: {problem}" for problem in found))


if __name__ == "__main__":
    main()
