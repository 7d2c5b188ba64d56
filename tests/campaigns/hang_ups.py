"""Clients of ``serve`` ask everything at once and hang up at random: are answers wrong, is anything left behind?

The server runs in exact mode, so that each answer has to be, byte for byte, the one that plain decoding gives.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from campaigns.homes import ROOT, model_file, temporary_home
from spectra_local.completion.completer import Completer, CompletionRequest, Suggestion
from spectra_local.engine import Engine
from spectra_local.protocol import EngineOptions, FillIn, Message, Request, Text

_CLIENTS = 4
_N_CTX = 512
_TOKENS = 8
_HANGS_UP = 0.35  # of the requests
_LONGEST_WAIT = 0.8  # seconds until one does
_GROWTH = 24  # MB that a process may grow once the first quarter is done: what is learned from 25 prompts is far less

_SUBJECTS = ("a cat", "the sea", "old maps", "bread", "a bicycle")
_GAPS = tuple(
    (f"def {name}(a, b):\n    return ", f"\n\n\nprint({name}(1, 2))\n")
    for name in ("add", "subtract", "multiply", "largest")
)


@dataclass(frozen=True, slots=True)
class Question:
    """One body for one endpoint, and what plain decoding answers."""

    path: str
    body: dict[str, Any]
    answer: str


@dataclass(slots=True)
class Outcome:
    """Counts, and memory in MB: of the server's two processes after each tenth of the requests."""

    answered: int = 0
    hung_up: int = 0
    wrong: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # what was still there when nobody asked any more
    seconds: float = 0.0

    @property
    def growth(self) -> tuple[float, float]:
        """MB that the server and its engine have grown since a quarter of the requests."""
        early, late = self.memory[len(self.memory) // 4], self.memory[-1]
        return late[0] - early[0], late[1] - early[1]

    @property
    def failures(self) -> list[str]:
        grown = [f"grown by {mb:.0f} MB" for mb in self.growth if mb > _GROWTH]
        return [*self.wrong, *(f"{n} x {reason}" for reason, n in self.refused.items()), *self.left, *grown]


def questions(model: Path, n_subjects: int) -> list[Question]:
    """Chats, texts to continue and gaps, each with its answer by a plain engine that nobody else asks."""
    engine = Engine(model, EngineOptions(n_ctx=_N_CTX, exact=True, history=False))
    for _ in engine.load():
        pass
    completer = Completer(engine)

    def answer(request: Request) -> str:
        return "".join(event.text for event in engine.generate(request) if isinstance(event, Text))

    def filled(prefix: str, suffix: str) -> str:
        asked = CompletionRequest(FillIn(prefix, suffix), max_tokens=_TOKENS, speculate=False)
        return next(item.text for item in completer.complete(asked) if isinstance(item, Suggestion))

    found = []
    for subject in _SUBJECTS[:n_subjects]:
        text = f"Tell me something about {subject}."
        plain = Request(messages=(Message("user", text),), max_tokens=_TOKENS, speculate=False)
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": _TOKENS}
        found.append(Question("/v1/chat/completions", body, answer(plain)))
        text = f"A short story about {subject}. Once upon a time"
        plain = Request(prompt=text, max_tokens=_TOKENS, speculate=False)
        found.append(Question("/v1/completions", {"prompt": text, "max_tokens": _TOKENS}, answer(plain)))
    for prefix, suffix in _GAPS[:n_subjects]:
        body = {"input_prefix": prefix, "input_suffix": suffix, "n_predict": _TOKENS}
        found.append(Question("/infill", body, filled(prefix, suffix)))
    engine.close()
    return found


def run(requests: int, model: Path, *, seed: int = 1, n_subjects: int = len(_SUBJECTS)) -> Outcome:
    """Each of the clients sends so many requests, about so many things."""
    outcome = Outcome()
    with temporary_home():
        asked = questions(model, n_subjects)
        with serving(model) as (url, server):
            started = time.perf_counter()
            every = max(1, requests * _CLIENTS // 20)
            clients = [_Client(url, asked, random.Random(seed + i), f"client {i}", outcome) for i in range(_CLIENTS)]
            threads = [threading.Thread(target=client.ask, args=(requests,)) for client in clients]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                if outcome.answered + outcome.hung_up >= every * len(outcome.memory):
                    outcome.memory.append(_memory(server))
                time.sleep(0.05)
            outcome.seconds = time.perf_counter() - started
            outcome.memory.append(_memory(server))
            outcome.left += _left_behind(url, asked)
    return outcome


class _Client:
    def __init__(self, url: str, asked: list[Question], chance: random.Random, name: str, outcome: Outcome) -> None:
        self._http = httpx.Client(base_url=url, timeout=120, headers={"User-Agent": name})
        self._asked = asked
        self._chance = chance
        self._outcome = outcome

    def ask(self, n: int) -> None:
        with self._http:
            for _ in range(n):
                question, streams = self._chance.choice(self._asked), self._chance.random() < 0.5
                patience = self._chance.uniform(0, _LONGEST_WAIT) if self._chance.random() < _HANGS_UP else None
                try:
                    answer = self._answer(question, streams, patience)
                except httpx.TimeoutException:
                    answer = None
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    self._outcome.refused[repr(error)] += 1
                    continue
                if answer is None:
                    self._outcome.hung_up += 1
                else:
                    self._outcome.answered += 1
                    if answer != question.answer:
                        self._outcome.wrong.append(f"{question.path}: {answer!r} instead of {question.answer!r}")

    def _answer(self, question: Question, streams: bool, patience: float | None) -> str | None:
        """None: hung up before it was whole."""
        body = {**question.body, "stream": streams}
        deadline = time.monotonic() + (120 if patience is None else patience)
        limit = httpx.Timeout(120 if patience is None else max(0.001, patience))
        if not streams:
            reply = self._http.post(question.path, json=body, timeout=limit)
            reply.raise_for_status()
            return _text(reply.json(), question.path)
        texts = []
        with self._http.stream("POST", question.path, json=body, timeout=limit) as reply:
            reply.raise_for_status()
            for line in reply.iter_lines():
                if time.monotonic() > deadline:
                    return None
                if line.startswith("data: ") and line != "data: [DONE]":
                    texts.append(_text(json.loads(line.removeprefix("data: ")), question.path))
        return "".join(texts)


def _text(reply: dict[str, Any], path: str) -> str:
    if path == "/infill":
        return str(reply["content"])
    choice = reply["choices"][0]
    words = choice.get("text") or choice.get("message", choice.get("delta", {})).get("content")
    return str(words or "")


def _left_behind(url: str, asked: list[Question]) -> list[str]:
    """Requests that nobody waits for; cells of the KV cache that nobody owns: then the last one cannot be filled."""
    left = []
    with httpx.Client(base_url=url, timeout=120) as http:
        deadline = time.monotonic() + 20
        while (gauges := re.findall(r"\nspectra_requests_(?:processing|waiting) (\d+)", http.get("/metrics").text)) != [
            "0",
            "0",
        ]:
            if time.monotonic() > deadline:
                left.append(f"requests processing and waiting: {gauges}")
                break
            time.sleep(0.05)
        full = http.post("/v1/completions", json={"prompt": "0 " * ((_N_CTX - 20) // 2), "max_tokens": 500}).json()
        finish = full.get("choices", [{}])[0].get("finish_reason")
        total = full.get("usage", {}).get("total_tokens", 0)
        if finish != "length" or total < _N_CTX - 4:
            left.append(f"a text that fills the context ended with {finish} at {total} tokens: {str(full)[:200]}")
        for question in asked[:3]:
            if _text(http.post(question.path, json=question.body).json(), question.path) != question.answer:
                left.append(f"{question.path} has another answer afterwards")
    return left


@contextmanager
def serving(model: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command as a user starts it: its address and its process."""
    command = [sys.executable, "-m", "tui", "serve", "-m", str(model), "--port", "0", "--ctx", str(_N_CTX), "--exact"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stderr
    try:
        for line in server.stderr:
            if match := re.search(r"http://\S+", line):
                yield match[0], server
                return
        raise AssertionError("the server ended before it listened")
    finally:
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(30)
        server.stderr.close()


def _memory(server: subprocess.Popen[str]) -> tuple[float, float]:
    """Resident MB of the server and of its engine's process."""
    (engine,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return _resident(server.pid), _resident(int(engine))


def _resident(pid: int) -> float:
    """Memory of its own: pages of the model's file, which come with use, are not counted."""
    (kb,) = re.findall(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kb) / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="of each of the 4 clients")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = run(given.requests, model_file(given.model), seed=given.seed)
    print(f"answered {found.answered}, hung up {found.hung_up}, wrong {len(found.wrong)}, "
          f"refused {dict(found.refused)}, {found.seconds:.0f} s")  # fmt: skip
    print("memory of server and engine, MB: " + ", ".join(f"{a:.0f}+{b:.0f}" for a, b in found.memory))
    print("\n".join(found.failures[:10]) or "nothing left behind")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
