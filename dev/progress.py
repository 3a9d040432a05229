"""Say what is being done, and for how long so far: a line that ticks on a terminal, plain lines elsewhere.

``python3 dev/progress.py "Installing packages" COMMAND ...`` runs a command meanwhile. What it prints is
shown where it fails. Needs nothing but Python, since it runs before the environment is there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

TICK, LINE_EVERY = 0.5, 10.0  # seconds
CLEAR = "\r\x1b[K"


class Progress:
    """Prints to a screen, and ticks while something is being done.

    :param screen: where to; a terminal gets one line that changes.
    """

    def __init__(self, screen: IO[str], line_every: float = LINE_EVERY) -> None:
        self.screen = screen
        self.ticks = screen.isatty()
        self.every = TICK if self.ticks else line_every

    def say(self, text: str = "") -> None:
        print(text, file=self.screen, flush=True)

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Say what is being done while it is, and how long it took."""
        started = time.monotonic()
        ended = threading.Event()
        if not self.ticks:
            self.say(f"{what} ...")
        ticking = threading.Thread(target=self._tick, args=(what, started, ended), daemon=True)
        ticking.start()
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            ended.set()
            ticking.join()
            took = f"{time.monotonic() - started:.1f} s"
            if self.ticks:
                self.say(f"{CLEAR}{what}: {took if outcome == 'done' else f'failed after {took}'}")
            else:
                self.say(f"  {outcome} {'in' if outcome == 'done' else 'after'} {took}")

    def _tick(self, what: str, started: float, ended: threading.Event) -> None:
        if self.ticks:
            print(f"{what} ...", end="", file=self.screen, flush=True)
        while not ended.wait(self.every):
            so_far = f"{time.monotonic() - started:.0f} s"
            if self.ticks:
                print(f"{CLEAR}{what} ... {so_far}", end="", file=self.screen, flush=True)
            else:
                self.say(f"  {what}: {so_far} so far")


def main() -> int:
    what, *command = sys.argv[1:]
    with tempfile.TemporaryFile() as output:
        try:
            with Progress(sys.stdout).doing(what):
                subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=True)
        except subprocess.CalledProcessError as error:
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            return error.returncode
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
