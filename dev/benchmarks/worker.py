"""``python -m dev.benchmarks.worker CONTENDER FOLDER WARM_UP SINK RESULT``: one load, measured from inside.

A small load comes first, so that all imports are done; time, CPU and memory are those of the load alone.
"""

from __future__ import annotations

import cProfile
import json
import os
import re
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from dev.benchmarks.contenders import CONTENDERS, Contender
from dev.benchmarks.data import Files

KIB = 1024
PROFILE_TO = "BENCH_PROFILE_TO"  # environment: a file for cProfile's statistics


def memory(field: str) -> int:
    """Return bytes: ``VmRSS`` is the memory held now, ``VmHWM`` the most since the last reset."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        msg = f"/proc/self/status has no {field}."
        raise RuntimeError(msg)
    return int(found[1]) * KIB


def reset_peak() -> None:
    """Reset ``VmHWM`` to the memory that is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def measured_load(contender: Contender, path: Path, sink: str) -> dict[str, float]:
    """Load, and return the time, memory and CPU that it took."""
    reset_peak()
    before, used, started = memory("VmRSS"), cpu(), time.perf_counter()
    records = contender.load(path, sink)
    seconds = time.perf_counter() - started
    return {
        "records": records,
        "seconds": seconds,
        "cpu": cpu() - used,
        "peak": memory("VmHWM") - before,
        "imported": before,
    }


def main() -> None:
    name, folder, warm_up, sink, result = sys.argv[1:]
    contender = CONTENDERS[name]
    contender.load(contender.file(Files(Path(warm_up))), sink)
    profile = cProfile.Profile() if PROFILE_TO in os.environ else nullcontext()
    with profile:
        measured = measured_load(contender, contender.file(Files(Path(folder))), sink)
    if isinstance(profile, cProfile.Profile):
        profile.dump_stats(os.environ[PROFILE_TO])
    Path(result).write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
