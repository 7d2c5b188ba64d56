"""The program as it is used for hours: does anything grow, leak, or never end?

A server with clients that hang up, the app's model thread, and ``ask``, all on one shared engine in one home; the
engine is killed and history is forgotten now and then. ``--minutes 120`` before a release, a few in CI.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from campaigns.homes import ROOT, model_file, temporary_home
from spectra_local.locations import runtime_dir
from spectra_local.protocol import Done, EngineOptions, Message, Request
from spectra_local.worker import EngineProcess
from spectra_local.worker.connection import EngineEndedError
from tui.adapter import Failed, Loaded
from tui.session import Session

_N_CTX = 1024
_TOKENS = 12
_PATIENCE_S = 120.0  # a request that takes longer has no end
_HANGS_UP = 0.3
_WARM = 0.35  # of the time, before memory is compared; the engine is killed in it, and again at the very end
_MOST_GROWTH = 0.02
_LEAST_MB = 4.0  # of growth that counts: an allocator's pools come in steps
_TAIL_MB = 10.0  # an engine keeps the newest 32,000 tokens in memory, then begins anew (history/index.py)
_LOOK_EVERY_S = 1.0
_SUBJECTS = ("a cat", "the sea", "old maps", "bread", "a bicycle", "rain", "a letter", "snow")
_TEMPORARY = "soak-temporary"


@dataclass(slots=True)
class Look:
    """What a process holds at one moment."""

    mb: float  # anonymous memory
    handles: int
    threads: int


@dataclass(slots=True)
class Found:
    """What came of it."""

    asked: dict[str, int] = field(default_factory=dict)  # requests by who asked
    ended: dict[str, int] = field(default_factory=dict)  # how: "answered", "hung up", "failed: ..."
    kills: int = 0
    forgets: int = 0
    looks: dict[str, list[tuple[float, Look]]] = field(default_factory=dict)  # by process: seconds, and what was seen
    endless: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def rows(self) -> list[tuple[str, float, float, int, int]]:
        """Of each process: MB and handles when it was warm, and at the end."""
        rows = []
        for name, looks in self.looks.items():
            warm, late = _ends(looks, self.seconds)
            if warm and late:
                megabytes = [median(look.mb for look in looks) for looks in (warm, late)]
                handles = [round(median(look.handles for look in looks)) for looks in (warm, late)]
                rows.append((name, megabytes[0], megabytes[1], handles[0], handles[1]))
        return rows

    @property
    def failures(self) -> list[str]:
        """What must not be, in words."""
        grown = [
            f"{name} grew from {before:.1f} to {after:.1f} MB"
            for name, before, after, _, _ in self.rows()
            if after - before > max(_MOST_GROWTH * before, _LEAST_MB) + (_TAIL_MB if name == "engine" else 0.0)
        ]
        handles = [f"{name} holds {b} handles, {a} when warm" for name, _, _, a, b in self.rows() if b > a + 3]
        failed = [f"{n} x {how}" for how, n in self.ended.items() if how.startswith("failed")]
        return [*self.endless, *self.left, *grown, *handles, *failed]


def _ends(looks: list[tuple[float, Look]], seconds: float) -> tuple[list[Look], list[Look]]:
    """The looks just after warming up, and those before the last kill."""
    first, last = _WARM * seconds, 0.92 * seconds
    steady = [look for at, look in looks if first <= at <= last]
    n = max(1, len(steady) // 5)
    return steady[:n], steady[-n:]


class _Soak:
    def __init__(self, minutes: float, model: Path, seed: int) -> None:
        self.found = Found()
        self._model = model
        self._chance = random.Random(seed)
        self._seconds = 60 * minutes
        self._started = time.monotonic()
        self._noting = threading.Lock()
        self._open: dict[str, float] = {}  # who waits for an answer, since when

    @property
    def _at(self) -> float:
        return time.monotonic() - self._started

    @property
    def _is_over(self) -> bool:
        return self._at >= self._seconds

    def run(self) -> Found:
        with self._serving() as (url, server):
            workers: list[Callable[[], None]] = [
                *(lambda i=i: self._client(url, f"client {i}") for i in range(3)), self._app, self._asks, self._disturbs
            ]  # type: ignore[misc]  # fmt: skip
            threads = [threading.Thread(target=worker, daemon=True) for worker in workers]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self._look(server)
                if self._at > self._seconds + 2 * _PATIENCE_S:
                    break
                time.sleep(_LOOK_EVERY_S)
            self.found.seconds = self._seconds
            self.found.endless += [f"{who} waits without an end" for who in self._open]
            self.found.left += _still_asked(url)
        self.found.left += _left_behind()
        return self.found

    def _note(self, who: str, how: str) -> None:
        with self._noting:
            self.found.ended[how] = self.found.ended.get(how, 0) + 1
            self._open.pop(who, None)

    def _begin(self, who: str) -> None:
        with self._noting:
            self.found.asked[who] = self.found.asked.get(who, 0) + 1
            self._open[who] = time.monotonic()

    # --- who asks ----------------------------------------------------------------------------------------------

    def _client(self, url: str, who: str) -> None:
        chance = random.Random(who)
        with httpx.Client(base_url=url, timeout=_PATIENCE_S) as http:
            while not self._is_over:
                self._begin(who)
                patience = chance.uniform(0.0, 0.5) if chance.random() < _HANGS_UP else _PATIENCE_S
                content = f"Tell me something about {chance.choice(_SUBJECTS)}."
                body = {"messages": [{"role": "user", "content": content}], "max_tokens": _TOKENS, "stream": True}
                try:
                    self._note(who, _read(http, body, patience))
                except httpx.TimeoutException:
                    self._note(who, "hung up" if patience < _PATIENCE_S else "failed: no answer in time")
                except httpx.HTTPError as error:
                    self._note(who, f"failed: {error!r}"[:200])

    def _app(self) -> None:
        """The app's thread that owns the model, as its screen drives it."""
        chance = random.Random("app")
        session = Session(lambda: EngineProcess(self._model, EngineOptions(n_ctx=_N_CTX, share=True)))
        session.load()
        self._drained(session, "app loads", Loaded)
        while not self._is_over:
            self._begin("app")
            asked = f"Say a word about {chance.choice(_SUBJECTS)}."
            session.ask(Request(messages=(Message("user", asked),), max_tokens=_TOKENS, conversation="soak"))
            if chance.random() < _HANGS_UP:
                session.cancel()
            ended = self._drained(session, "app", Done)
            self._note("app", "answered" if isinstance(ended, Done) else self._failed(ended))
            if isinstance(ended, Failed) and not ended.loaded:
                session.load()
                self._drained(session, "app loads", Loaded)
        session.close(10)

    def _failed(self, ended: object) -> str:
        """Whose process is killed is told so, and loads the model again."""
        killed = isinstance(ended, Failed) and isinstance(ended.error, EngineEndedError) and self.found.kills
        return "told of a kill" if killed else f"failed: {ended}"

    def _drained(self, session: Session, who: str, last: type) -> object:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            for report in session.drain():
                if isinstance(report, (last, Failed)):
                    return report
            time.sleep(0.02)
        self.found.endless.append(f"{who}: no end")
        return None

    def _asks(self) -> None:
        chance = random.Random("ask")
        while not self._is_over:
            self._begin("ask")
            words = [
                "ask",
                "-m",
                str(self._model),
                "--ctx",
                str(_N_CTX),
                "-n",
                str(_TOKENS),
                f"About {chance.choice(_SUBJECTS)}?",
            ]
            try:
                done = self._command(*words)
                self._note("ask", "answered" if not done.returncode else f"failed: ask {done.stderr[-200:]}")
            except subprocess.TimeoutExpired:
                self.found.endless.append("ask: no end")
            time.sleep(2.0)

    def _command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tui", *words], cwd=ROOT, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=_PATIENCE_S,
        )  # fmt: skip

    def _disturbs(self) -> None:
        """Kills while all warms up and once at the very end, and forgets in between."""
        marks = [(0.1, self._kill), (0.2, self._forget), (0.25, self._kill), (0.5, self._forget), (0.75, self._forget),
                 (0.95, self._kill)]  # fmt: skip
        for share, disturb in marks:
            while self._at < share * self._seconds:
                time.sleep(0.1)
            disturb()

    def _kill(self) -> None:
        for pid in _engines():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.found.kills += 1

    def _forget(self) -> None:
        done = self._command("history", "forget", "--containing", self._chance.choice(_SUBJECTS), "--yes")
        self.found.forgets += 1
        if done.returncode:
            self.found.left.append(f"forget: {done.stderr[-200:]}")

    # --- what is looked at -------------------------------------------------------------------------------------

    def _look(self, server: "subprocess.Popen[str]") -> None:
        processes = {"server": server.pid, "app's thread and clients": os.getpid()}
        engines = _engines()
        if len(engines) == 1:
            processes["engine"] = engines[0]
        for name, pid in processes.items():
            with suppress(OSError, ValueError):
                self.found.looks.setdefault(name, []).append((self._at, _held(pid)))

    @contextmanager
    def _serving(self) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
        command = ["serve", "-m", str(self._model), "--port", "0", "--ctx", str(_N_CTX)]
        server = subprocess.Popen([sys.executable, "-m", "tui", *command], stderr=subprocess.PIPE, text=True, cwd=ROOT)
        assert server.stderr
        try:
            url = next(match[0] for line in server.stderr if (match := re.search(r"http://\S+", line)))
            reader = threading.Thread(target=server.stderr.read, daemon=True)
            reader.start()
            yield url, server
        finally:
            server.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(30)
            reader.join(10)
            server.stderr.close()


def _read(http: httpx.Client, body: dict[str, object], patience: float) -> str:
    deadline = time.monotonic() + patience
    with http.stream("POST", "/v1/chat/completions", json=body, timeout=max(0.01, patience)) as reply:
        if reply.is_error:
            return f"failed: {reply.status_code} {reply.read().decode()[:160]}"
        for line in reply.iter_lines():
            if line == "data: [DONE]":
                return "answered"
            if time.monotonic() > deadline:
                return "hung up"
    return "failed: a stream without an end"


def _engines() -> list[int]:
    """Engine processes of this home."""
    home, found = f"SPECTRA_HOME={os.environ['SPECTRA_HOME']}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"spectra_local.worker" in command and home in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _held(pid: int) -> Look:
    status = Path(f"/proc/{pid}/status").read_text()
    return Look(
        int(re.findall(r"RssAnon:\s+(\d+) kB", status)[0]) / 1000,
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(re.findall(r"Threads:\s+(\d+)", status)[0]),
    )


def _still_asked(url: str) -> list[str]:
    """Requests that the server still works on, and a sequence that somebody left: then no full context is to be had."""
    with httpx.Client(base_url=url, timeout=_PATIENCE_S) as http:
        deadline, gauges = time.monotonic() + 30, [""]
        while time.monotonic() < deadline and gauges != ["0", "0"]:
            gauges = re.findall(r"\nspectra_requests_(?:processing|waiting) (\d+)", http.get("/metrics").text)
            time.sleep(0.1)
        left = [] if gauges == ["0", "0"] else [f"requests processing and waiting: {gauges}"]
        body = {"prompt": "0 " * ((_N_CTX - 40) // 2), "max_tokens": _N_CTX}
        full = http.post("/v1/completions", json=body).json()
        total = full.get("usage", {}).get("total_tokens", 0)
        return left if total > _N_CTX - 8 else [*left, f"a full context ended at {total} tokens: {str(full)[:200]}"]


def _left_behind() -> list[str]:
    """Processes, sockets and temporary files, once all have ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (_engines() or list(runtime_dir().glob("*.sock*"))):
        time.sleep(0.1)
    home, temporary = Path(os.environ["SPECTRA_HOME"]), Path(tempfile.gettempdir())
    stray = [path for path in home.rglob("*") if path.suffix in (".tmp", ".part") or path.name.startswith(".")]
    return [
        *(f"an engine: {pid}" for pid in _engines()),
        *(f"a socket: {path}" for path in runtime_dir().glob("*.sock*")),
        *(f"a temporary file: {path}" for path in [*stray, *temporary.iterdir()]),
    ]


def run(minutes: float, model: Path, *, seed: int = 1) -> Found:
    """Uses the program for so many minutes."""
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY) as folder, temporary_home():
        before, tempfile.tempdir = tempfile.tempdir, folder
        os.environ["TMPDIR"] = folder
        try:
            return _Soak(minutes, model, seed).run()
        finally:
            tempfile.tempdir = before
            os.environ.pop("TMPDIR")


def table(found: Found) -> str:
    """What it came to."""
    lines = [f"{found.seconds / 60:.1f} minutes, {sum(found.asked.values())} requests, {found.kills} kills, "
             f"{found.forgets} forgets"]  # fmt: skip
    lines += [f"  {who:26} {n:6} asked" for who, n in sorted(found.asked.items())]
    lines += [f"  {how:26} {n:6}" for how, n in sorted(found.ended.items())]
    lines.append(f"  {'process':26} {'MB warm':>8} {'MB last':>8} {'growth':>7} {'handles':>12}")
    lines += [f"  {name:26} {a:8.1f} {b:8.1f} {b / a - 1:7.1%} {c:5} -> {d:3}" for name, a, b, c, d in found.rows()]
    for name, looks in found.looks.items():
        tenths = [look.mb for _, look in looks[:: max(1, len(looks) // 10)]]
        lines.append(f"  {name:26} MB by tenths of the time: " + " ".join(f"{mb:.0f}" for mb in tenths))
    return "\n".join([*lines, *(f"FAILED: {failure}" for failure in found.failures)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = run(given.minutes, model_file(given.model), seed=given.seed)
    print(table(found))
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
