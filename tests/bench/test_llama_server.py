"""The servers' side of a contest, against a small program that speaks as llama-server does."""

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spectra_local.bench import llama_server
from spectra_local.bench.live import Question
from spectra_local.bench.llama_server import BASELINE, LlamaServers
from spectra_local.bench.workload import Prompt
from spectra_local.errors import MemoryShortageError, SpectraError

PROGRAM = """#!{python}
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
given = dict(zip(sys.argv, sys.argv[1:]))
assert given["--host"] == "127.0.0.1"
speculates = given["--spec-type"] != "none"

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({{"status": "ok"}})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["temperature"] == 0 and asked["cache_prompt"] is False
        timings = {{"predicted_n": asked["n_predict"], "predicted_ms": 500.0}}
        if speculates:
            timings |= {{"draft_n": 6, "draft_n_accepted": 3}}
        self.answer({{"tokens": asked["prompt"][::-1], {timings}}})

    def answer(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""
QUESTION = Question(Prompt("p", "chat"), [1, 2, 3], [], 8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def program(tmp_path: Path, text: str, **fields: str) -> Path:
    path = tmp_path / "llama-server"
    path.write_text(text.format(python=sys.executable, **fields) if fields else text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def servers(path: Path, model: Path, *types: str) -> LlamaServers:
    return LlamaServers(path, model, types, n_ctx=512, n_threads=2, n_gpu_layers=-1)


def test_each_type_has_a_server_and_its_timings_become_a_sample(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, PROGRAM, timings='"timings": timings')
    processes: list[subprocess.Popen[bytes]] = []

    def started(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        processes.append(popen(*arguments, **options))
        return processes[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(llama_server.subprocess, "Popen", started)
    with servers(path, model, "ngram-mod") as group:
        assert group.names == [BASELINE, "server ngram-mod"]
        plain, mod = (group.run(name, QUESTION) for name in group.names)
    assert (plain.tokens, plain.n_timed, plain.seconds, plain.steps) == ([3, 2, 1], 7, 0.5, 7)
    assert (mod.draft_n, mod.draft_n_accepted, mod.steps) == (6, 3, 4)
    assert len(processes) == 2
    assert all(process.poll() is not None for process in processes)


def test_an_answer_without_timings_is_refused(tmp_path: Path, model: Path) -> None:
    path = program(tmp_path, PROGRAM, timings='"content": ""')
    with servers(path, model) as group, pytest.raises(SpectraError, match="without the timings"):
        group.run(BASELINE, QUESTION)


def test_a_server_that_ends_at_once_says_why(tmp_path: Path, model: Path) -> None:
    path = program(tmp_path, "#!/bin/sh\necho unknown argument >&2\nexit 3\n")
    with pytest.raises(SpectraError, match="exit code 3: unknown argument"), servers(path, model):
        pass


def test_a_path_that_is_no_program_is_one_line(tmp_path: Path, model: Path) -> None:
    with pytest.raises(SpectraError, match="cannot be started: No such file"), servers(tmp_path / "none", model):
        pass


def test_servers_that_would_not_fit_are_not_started(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectra_local.bench.llama_server.available_bytes", lambda: 10**9)
    with pytest.raises(MemoryShortageError, match="--spec-types fewer"):
        servers(tmp_path, model, "ngram-mod", "ngram-simple")
