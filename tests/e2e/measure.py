"""Prints the terminal app's figures on this machine, measured through a pty with the default model.

    python tests/e2e/measure.py [--pairs 5] [--launches 9]

First frame: from launch to the first drawn text. Rate: the app's tokens/s by those of ``ask`` on the same question,
run in turns. Share: processor time of the app's own process, the model's apart, by the time the answer took.
Run it on a quiet machine: on a busy one only the ratio means anything.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from e2e.terminal import CHAT, ROOT, Terminal

from tui.adapter import CHAT_SAMPLING

QUESTION = "How do I reverse a string in Python?"  # the default model answers it in 121 tokens and ends by itself
READY = "●"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--launches", type=int, default=9)
    options = parser.parse_args()
    frames = [first_frame() for _ in range(options.launches)]
    print(f"first frame: median {statistics.median(frames):.3f} s, all {' '.join(f'{t:.2f}' for t in sorted(frames))}")
    ratios, shares = [], []
    for _ in range(options.pairs):
        there = in_the_app()
        ratios.append(there[0] / in_the_command())
        shares.append(there[1])
    print(f"tokens/s, app by ask: median {statistics.median(ratios):.3f}, all {' '.join(f'{r:.2f}' for r in ratios)}")
    print(f"share of a core: median {statistics.median(shares):.0%}, all {' '.join(f'{s:.0%}' for s in shares)}")


def first_frame() -> float:
    """Seconds from launch until text is drawn."""
    terminal = Terminal(CHAT)
    terminal.wait_for_bytes(b"s p e c t r a")
    seconds = time.monotonic() - terminal.started
    terminal.close()
    return seconds


def in_the_app() -> tuple[float, float]:
    """Tokens/s of one answer in the app, and the share of a core that its process took meanwhile."""
    terminal = Terminal(CHAT)
    terminal.wait_for(READY)
    terminal.type(f"{QUESTION}\r")
    terminal.wait_for("answering")
    began, used = time.monotonic(), _processor_seconds(terminal.child.pid)
    terminal.wait_for_bytes(READY.encode())  # drawing the screen here would take the model's processor time
    share = (_processor_seconds(terminal.child.pid) - used) / (time.monotonic() - began)
    screen = terminal.look()
    rate = re.search(r"([\d.]+) tok/s", screen)
    assert rate is not None, screen
    terminal.close()
    return float(rate[1]), share


def in_the_command() -> float:
    """Tokens/s of the same answer from ``ask``."""
    penalty = str(CHAT_SAMPLING.repeat_penalty)
    command = [*CHAT, "ask", "--json", "--repeat-penalty", penalty, QUESTION]
    answer = subprocess.check_output(command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL)
    timings = json.loads(answer)["timings"]
    return float(1000 * timings["predicted_n"] / timings["predicted_ms"])


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


if __name__ == "__main__":
    main()
