"""Where the time of one contender goes: by py-spy, which sees all threads, or else by cProfile."""

from __future__ import annotations

import pstats
import shutil
import sys
from collections import Counter
from pathlib import Path

from dev.benchmarks.contenders import Contender
from dev.benchmarks.data import WARM_UP, files
from dev.benchmarks.facts import GZIP
from dev.benchmarks.rounds import RUN, run_once
from dev.benchmarks.tables import print_table
from dev.benchmarks.worker import PROFILE_TO

RATE = 500  # samples a second
SHOWN = 30
MEASURED = "measured_load ("  # the frame that all samples of the load's main thread have
MAIN = "<module> ("


def profile(contender: Contender, records: int, sink: str, *, gzip: bool = False) -> None:
    """Run one load and print its most expensive functions.

    :param gzip: whether it packs what it sends.
    """
    settings = {GZIP: "on" if gzip else "off"}
    data, warm_up = files(records), files(WARM_UP)
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    RUN.mkdir(parents=True, exist_ok=True)
    if program:
        output = RUN / "profile.txt"
        record = ["record", "--format", "raw", "--nolineno", "--rate", str(RATE), "--output", str(output)]
        run_once(contender, data, warm_up, sink, wrapper=(program, *record, "--"), settings=settings)
        _print_samples(contender, output)
    else:
        output = RUN / "profile.pstats"
        print("py-spy is not installed: cProfile, which slows calls down and sees the main thread alone.\n")
        run_once(contender, data, warm_up, sink, settings={**settings, PROFILE_TO: str(output)})
        pstats.Stats(str(output)).sort_stats("tottime").print_stats(SHOWN)


def _print_samples(contender: Contender, output: Path) -> None:
    """Print the functions in which most samples are, themselves and with all they call."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in output.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        if not stack or (MAIN in stack and MEASURED not in stack):
            continue  # the start of the process, imports, and the load before the one to measure
        frames = stack.split(";")
        own[frames[-1]] += int(samples)
        for frame in set(frames):
            total[frame] += int(samples)
    everything = sum(own.values())
    print(f"{contender.title}: {everything / RATE:.2f} s of running threads, all threads together\n")
    for heading, counted in (("in itself", own), ("with what it calls", total)):
        rows = [
            [frame, f"{samples / RATE:.2f}", f"{samples / everything:.1%}"]
            for frame, samples in counted.most_common(SHOWN)
        ]
        print_table([heading, "s", "share"], rows)
