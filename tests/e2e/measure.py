"""Prints the terminal app's figures on this machine, measured through a pty with the default model.

    python tests/e2e/measure.py [--pairs 5] [--launches 9] [--presses 60]

First frame: from launch to the first drawn text. Rate: the app's tokens/s by those of ``ask`` on the same question,
both as the engine timed them, run in pairs of which every other one begins with the app, each in a home of its own, so
that neither drafts from what the other said; the median of the pairs with its 95 % interval. Share: processor time of
the app's own process, the model's apart, by the time the answer took. Keypress: from the key to its letter on screen
while the model writes. Run it on a quiet machine: on a busy one only the ratio means anything.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from e2e.terminal import CHAT, PATIENCE_S, ROOT, Terminal

from spectra_local.catalogue import resolve
from spectra_local.locations import cache_dir
from tui.adapter import CHAT_SAMPLING

QUESTION = "How do I reverse a string in Python?"  # the default model answers it in 121 tokens and ends by itself
LONG_QUESTION = "Write a very long story about a dragon, a library and the sea, in twenty chapters."
READY = "●"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
LETTERS = "жщэюяфцчшыбгдлпи"  # that no answer in English writes
MOST_BUSY_S = 0.15  # of a second in which the machine counts as quiet
PRESS_EVERY_S = 0.05


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--launches", type=int, default=9)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--tint", action="store_true", help="with accepted guesses tinted")
    options = parser.parse_args()
    model, costs = str(resolve(None)), cache_dir() / "speculation"
    frames = [first_frame() for _ in range(options.launches)]
    if frames:
        print(f"first frame: median {statistics.median(frames):.3f} s, all {_all(sorted(frames))}", flush=True)
    ratios, shares, fastest = [], [], [0.0, 0.0]
    for _ in range(options.pairs):
        runs: dict[str, Answered] = {}
        for who in ("app", "ask") if len(ratios) % 2 else ("ask", "app"):
            wait_for_quiet()
            if who == "app":
                runs[who], share = in_the_app(model, costs, tint=options.tint)
                shares.append(share)
            else:
                runs[who] = in_the_command(model, costs)
        there, here = runs["app"], runs["ask"]
        print(f"  {there.per_second:.1f} by {here.per_second:.1f} tok/s, {there.n} and {here.n} tokens", flush=True)
        ratios.append(there.per_second / here.per_second)
        fastest = [max(pair) for pair in zip(fastest, (there.per_second, here.per_second), strict=True)]
    if ratios:
        low, high = median_interval(ratios)
        median = statistics.median(ratios)
        print(f"tokens/s, app by ask: median {median:.3f} ({low:.3f}-{high:.3f}), all {_all(ratios)}")
        print(f"fastest of each, which others disturbed least: {fastest[0] / fastest[1]:.3f}")
        print(f"share of a core: median {statistics.median(shares):.1%}, all {_all(shares)}", flush=True)
    if options.presses:
        wait_for_quiet()
        waits = sorted(1000 * wait for wait in keypresses(model, costs, options.presses))
        p95 = waits[min(len(waits) - 1, round(0.95 * len(waits)))]
        print(f"keypress to screen: median {statistics.median(waits):.0f} ms, p95 {p95:.0f}, slowest {waits[-1]:.0f}")


def wait_for_quiet() -> None:
    """Until nobody else has taken much of the processors for a second, or for half a minute at most."""
    for _ in range(30):
        busy = _busy_seconds()
        time.sleep(1.0)
        if _busy_seconds() - busy < MOST_BUSY_S:
            return


def _busy_seconds() -> float:
    """Of all processors together, since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_PER_SECOND  # without idle and waiting for the disk


def _all(values: list[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


@contextmanager
def new_home(costs: Path, *, tint: bool = False) -> Iterator[dict[str, str]]:
    """An environment with a home without chats and history, in which the cost of decoding is known."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "cache" / "speculation"
        for cost in costs.glob("*/cost-*"):
            (known / cost.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(cost, known / cost.parent.name)
        if tint:
            (Path(folder) / "config").mkdir()
            (Path(folder) / "config" / "settings.toml").write_text("tint = true\n")
        yield {"SPECTRA_HOME": folder}


def first_frame() -> float:
    """Seconds from launch until text is drawn."""
    terminal = Terminal(CHAT)
    terminal.wait_for_bytes(b"s p e c t r a")
    seconds = time.monotonic() - terminal.started
    terminal.close()
    return seconds


class Answered(NamedTuple):
    """One answer, as the engine timed it."""

    n: int  # tokens
    ms: float

    @property
    def per_second(self) -> float:
        return 1000 * self.n / self.ms


def median_interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the median, by resampling."""
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], medians[1949]


def in_the_app(model: str, costs: Path, *, tint: bool = False) -> tuple[Answered, float]:
    """One answer in the app, and the share of a core that its process took meanwhile."""
    with new_home(costs, tint=tint) as home:
        terminal = Terminal((*CHAT, "-m", model), **home)
        terminal.wait_for(READY)
        terminal.type(f"{QUESTION}\r")
        terminal.wait_for_bytes("◆".encode())
        began, used = time.monotonic(), _processor_seconds(terminal.child.pid)
        terminal.wait_for_bytes(READY.encode())  # drawing the screen here would take the model's processor time
        share = (_processor_seconds(terminal.child.pid) - used) / (time.monotonic() - began)
        answered = _counted(Path(home["SPECTRA_HOME"]))
        terminal.close()
    return answered, share


def _counted(home: Path) -> Answered:
    """What the engine counted of the one answer in that home: the screen shows whole tokens/s only."""
    store = home / "data" / "store" / "spectra.sqlite"
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT predicted_n, predicted_ms FROM savings WHERE answers = 1").fetchall()
        if rows:
            return Answered(*rows[0])
        time.sleep(0.05)
    raise AssertionError("the engine counted no answer")


def in_the_command(model: str, costs: Path) -> Answered:
    """The same answer from ``ask``."""
    sampling = ("--repeat-penalty", str(CHAT_SAMPLING.repeat_penalty),
                "--dry-multiplier", str(CHAT_SAMPLING.dry_multiplier))  # fmt: skip
    command = [*CHAT, "ask", "-m", model, "--json", *sampling, QUESTION]
    with new_home(costs) as home:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **home}
        answer = subprocess.check_output(command, cwd=ROOT, env=environment, text=True, stdin=subprocess.DEVNULL)
    timings = json.loads(answer)["timings"]
    return Answered(timings["predicted_n"], timings["predicted_ms"])


def keypresses(model: str, costs: Path, n: int) -> list[float]:
    """Seconds from each key to its letter in what the app writes, while an answer comes."""
    with new_home(costs) as home:
        terminal = Terminal((*CHAT, "-m", model), **home)
        terminal.wait_for(READY)
        terminal.type(f"{LONG_QUESTION}\r")
        terminal.wait_for_bytes("◆".encode())
        time.sleep(0.5)  # the model is well under way
        waits = []
        for number in range(n):
            letter = LETTERS[number % len(LETTERS)]
            pressed = time.monotonic()
            terminal.type(letter)
            terminal.wait_for_bytes(letter.encode())
            waits.append(time.monotonic() - pressed)
            time.sleep(max(0.0, PRESS_EVERY_S - waits[-1]))
        screen = terminal.look()
        assert "answering" in screen, f"the answer ended before all keys were pressed\n{screen}"
        terminal.close()
    return waits


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


if __name__ == "__main__":
    main()
