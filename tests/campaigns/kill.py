"""kill -9 at random moments of the real program: is a turn that was answered ever lost, a start ever refused?

Four ways in, by turns: requests to the worker (the engine alone is killed, then the chat goes on), ``ask``, ``serve``
and the app in a pty (the program is killed with its worker). After each kill the store and the saved chats are read as
the next start would, and what had been acknowledged is looked for.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.homes import ROOT, model_file, temporary_home
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.protocol import Done, EngineOptions, Message, Request, Text
from spectra_local.worker import EngineProcess

TOKENS = 6
OPTIONS = EngineOptions(n_ctx=512)
PROGRAM = (sys.executable, "-m", "tui")
WAYS = ("worker", "worker", "worker", "ask", "serve", "app")


@dataclass(slots=True)
class Tally:
    """What was asked, acknowledged, lost. ``pending``: (question, answer) acknowledged since the last look."""

    cycles: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    failed_starts: list[str] = field(default_factory=list)
    pending: list[tuple[str, str]] = field(default_factory=list)
    in_chats: list[str] = field(default_factory=list)  # questions whose answer was complete on the screen


@dataclass(slots=True)
class Cycle:
    """One start, some questions, one kill ``delay`` seconds after the start."""

    number: int
    delay: float
    model: Path
    tally: Tally
    asked: int = 0

    def question(self) -> str:
        """One that was never asked before."""
        self.asked += 1
        return f"question {self.number}x{self.asked}x: say something"


def worker(cycle: Cycle) -> None:
    """The chat's own path: requests over the pipe, the engine's process killed under it."""
    engine = EngineProcess(cycle.model, OPTIONS)
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        _kill_tree(engine.pid)

    timer = threading.Timer(cycle.delay, kill)
    timer.start()
    try:
        for _ in engine.load():
            pass
        while True:
            question = cycle.question()
            request = Request(messages=(Message("user", question),), max_tokens=TOKENS, conversation="worker")
            answer = ""
            for event in engine.generate(request):
                if isinstance(event, Text):
                    answer += event.text
                elif isinstance(event, Done):
                    cycle.tally.pending.append((question, answer))
    except SpectraError as error:
        if not killed.is_set():
            cycle.tally.failed_starts.append(f"cycle {cycle.number}: {error}")
    finally:
        timer.cancel()
        timer.join()
        engine.close()


def ask(cycle: Cycle) -> None:
    """``ask`` one after the other; what is printed whole is acknowledged."""
    deadline = time.monotonic() + cycle.delay
    while True:
        question = cycle.question()
        command = [*PROGRAM, "ask", "-m", str(cycle.model), "--ctx", "512", "-n", str(TOKENS), "--json", question]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True)
        try:
            out, err = child.communicate(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill_tree(child.pid)
            out, err = child.communicate()
            if out.endswith("\n"):
                cycle.tally.pending.append((question, json.loads(out)["content"]))
            return
        if child.returncode or err:
            cycle.tally.failed_starts.append(f"cycle {cycle.number}: ask ended with {child.returncode}: {err}")
            return
        cycle.tally.pending.append((question, json.loads(out)["content"]))


def serve(cycle: Cycle) -> None:
    """Requests over HTTP until the server is gone."""
    command = [*PROGRAM, "serve", "-m", str(cycle.model), "--ctx", "512", "--port", "0"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, text=True)
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        _kill_tree(child.pid)

    timer = threading.Timer(cycle.delay, kill)
    timer.start()
    assert child.stderr
    try:
        while not (address := re.search(r"http://127\.0\.0\.1:(\d+)", line := child.stderr.readline())):
            if not line:
                break
        while address:
            question = cycle.question()
            body = {"messages": [{"role": "user", "content": question}], "max_tokens": TOKENS}
            connection = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=60)
            with contextlib.closing(connection):
                connection.request(
                    "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"}
                )
                reply = json.loads(connection.getresponse().read())
            cycle.tally.pending.append((question, reply["choices"][0]["message"]["content"]))
    except (OSError, http.client.HTTPException, ValueError):
        pass
    finally:
        timer.join()
        child.wait()
        child.stderr.close()
        if not killed.is_set():
            cycle.tally.failed_starts.append(f"cycle {cycle.number}: serve ended by itself")


def app(cycle: Cycle) -> None:
    """The app in a pty; acknowledged is what its screen shows as answered."""
    from e2e.terminal import CHAT, Terminal

    terminal = Terminal([*CHAT, "--model", str(cycle.model), "--ctx", "512"])
    deadline = time.monotonic() + cycle.delay + 1.0  # the first frame alone takes a second on a busy machine
    question = ""
    try:
        while time.monotonic() < deadline and terminal.child.isalive():
            screen = terminal.look()
            idle = "●" in screen
            if idle and question and f" {question}" in screen:
                cycle.tally.in_chats.append(question)
                question = ""
            if idle and not question:
                question = cycle.question()
                terminal.type(f"{question}\r")
                terminal.wait_for(lambda text: "●" not in text, 5.0)
        if not terminal.child.isalive():
            cycle.tally.failed_starts.append(f"cycle {cycle.number}: the app ended by itself")
    except (AssertionError, OSError):
        pass  # slower than the kill: nothing is acknowledged
    finally:
        _kill_tree(terminal.child.pid)
        terminal.close()


def _kill_tree(pid: int | None) -> None:
    """kill -9 of a process and of its children, at once."""
    if pid is None:
        return
    children = []
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def look(tally: Tally, cycle: Cycle) -> None:
    """What the next start finds."""
    try:
        database = Database()
    except SpectraError as error:
        tally.failed_starts.append(f"cycle {cycle.number}: {error}")
        return
    with contextlib.closing(database):
        if database.notice:
            tally.failed_starts.append(f"cycle {cycle.number}: {database.notice}")
        (state,) = database.connection.execute("PRAGMA quick_check").fetchone()
        if state != "ok":
            tally.failed_starts.append(f"cycle {cycle.number}: {state}")
        store = Store(database)
        texts = [turn.text for turn in store.turns()]
        if store.damaged:
            tally.failed_starts.append(f"cycle {cycle.number}: damaged rows {store.damaged}")
        kept = set(texts)
        for question, answer in tally.pending:
            tally.acknowledged += 1
            place = texts.index(question) if question in kept else -1
            if place < 0 or (answer and texts[place + 1 : place + 2] != [answer]):
                tally.lost.append(f"cycle {cycle.number}: {question!r} -> {answer!r}")
        tally.pending.clear()
        for question in tally.in_chats:
            tally.acknowledged += 1
            row = database.connection.execute(
                "SELECT b.outcome FROM messages a JOIN messages b ON b.parent = a.id WHERE a.text = ?", [question]
            ).fetchone()
            # A question whose answer was killed is learned with the next one, as one turn.
            if row != ("complete",) or not any(question in text for text in texts):
                tally.lost.append(f"cycle {cycle.number}: {question!r} in the app: {row}")
        tally.in_chats.clear()


ENTRANCES: dict[str, Callable[[Cycle], None]] = {"worker": worker, "ask": ask, "serve": serve, "app": app}


def run(cycles: int, model: Path, *, seed: int = 0, ways: tuple[str, ...] = WAYS) -> Tally:
    """Runs the campaign in a home of its own; kills come up to twice as late as a start takes on this machine."""
    rng, tally = random.Random(seed), Tally()
    with temporary_home():
        _seconds_to_start(model)  # this one measures costs too
        longest = 2 * _seconds_to_start(model) + 2.5
        for number in range(cycles):
            way = ways[number % len(ways)]
            cycle = Cycle(number, rng.uniform(0.05, longest), model, tally)
            ENTRANCES[way](cycle)
            tally.cycles[way] += 1
            look(tally, cycle)
            if number % 20 == 19:
                print(f"{number + 1} cycles, {tally.acknowledged} acknowledged", file=sys.stderr, flush=True)
    return tally


def _seconds_to_start(model: Path) -> float:
    """Of ``ask``, with an answer."""
    started = time.monotonic()
    command = [*PROGRAM, "ask", "-m", str(model), "--ctx", "512", "-n", str(TOKENS), "Before."]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    tally = run(given.cycles, model_file(given.model), seed=given.seed)
    print(f"cycles {dict(tally.cycles)}, acknowledged turns {tally.acknowledged}, lost {len(tally.lost)}, "
          f"failed starts {len(tally.failed_starts)}")  # fmt: skip
    print("\n".join([*tally.lost, *tally.failed_starts]))
    return 1 if tally.lost or tally.failed_starts else 0


if __name__ == "__main__":
    sys.exit(main())
