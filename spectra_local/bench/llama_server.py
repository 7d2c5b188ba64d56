"""llama-server's own speculation on the same prompts: one server for each ``--spec-type``, all up at once.

So they can be asked in turn with everything else. Only on 127.0.0.1. Speeds are the servers' own timings.
"""

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from spectra_local.bench.live import Question
from spectra_local.bench.ratios import Sample
from spectra_local.byte_size import byte_size
from spectra_local.errors import MemoryShortageError, SpectraError
from spectra_local.llama.memory import available_bytes

SPEC_TYPES = ("ngram-simple", "ngram-map-k", "ngram-map-k4v", "ngram-mod", "ngram-cache")
BASELINE = "server none"
_HOST = "127.0.0.1"
_START_SECONDS = 180.0  # to read the model from a slow disk
_ANSWER_SECONDS = 3600.0
_STOP_SECONDS = 5.0
_OVERHEAD_BYTES = 400_000_000  # of a server beside its weights: KV cache, compute buffers


class LlamaServers:
    """The running servers; a context manager that ends them."""

    def __init__(
        self,
        program: Path,
        model: Path,
        spec_types: Sequence[str],
        *,
        n_ctx: int,
        n_threads: int,
        n_gpu_layers: int,
    ) -> None:
        """Starts nothing yet. Raises MemoryShortageError where the servers would not fit beside each other."""
        self.names = [BASELINE, *(f"server {name}" for name in spec_types)]
        needed = len(self.names) * (model.stat().st_size + _OVERHEAD_BYTES)
        free = available_bytes()
        if free is not None and needed > free:
            raise MemoryShortageError(
                f"{len(self.names)} servers need about {byte_size(needed)} of memory and {byte_size(free)} are free; "
                "give --spec-types fewer names"
            )
        common = [str(program), "-m", str(model), "-c", str(n_ctx), "-np", "1", "--host", _HOST]
        common += ["-t", str(n_threads), "-tb", str(n_threads), "--cache-ram", "0", "--no-webui"]
        if n_gpu_layers >= 0:
            common += ["-ngl", str(n_gpu_layers)]
        self._commands = {name: [*common, "--spec-type", name.removeprefix("server ")] for name in self.names}
        self._servers: dict[str, Server] = {}

    def __enter__(self) -> Self:
        """Starts them one after the other. Raises SpectraError."""
        try:
            for name, command in self._commands.items():
                self._servers[name] = server = Server(command)
                server.wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        for server in self._servers.values():
            server.stop()
        self._servers.clear()

    def run(self, method: str, question: Question) -> Sample:
        """Answers the question once, nothing reused from the one before. Raises SpectraError."""
        answer = self._servers[method].post(
            "/completion",
            {
                "prompt": question.tokens,
                "n_predict": question.n_tokens,
                "temperature": 0.0,
                "cache_prompt": False,
                "return_tokens": True,
            },
        )
        try:
            timings = answer["timings"]
            n_predicted = int(timings["predicted_n"])
            n_accepted = int(timings.get("draft_n_accepted", 0))
            return Sample(
                prompt=question.prompt.id,
                task=question.prompt.task,
                method=method,
                tokens=[int(token) for token in answer["tokens"]],
                n_timed=n_predicted - 1,  # its clock starts when the prefill has brought the first one
                seconds=float(timings["predicted_ms"]) / 1000,
                steps=n_predicted - 1 - n_accepted,
                draft_n=int(timings.get("draft_n", 0)),
                draft_n_accepted=n_accepted,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SpectraError(f"{method} answered without the timings that are expected of llama-server") from error

    def remember(self, samples: Sequence[Sample], question: Question) -> None:
        """Nothing: what a server keeps between requests is its own matter."""


class Server:
    """One llama-server process on a free port of 127.0.0.1."""

    def __init__(self, command: Sequence[str]) -> None:
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            self._port = probe.getsockname()[1]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        try:
            self._process = subprocess.Popen(
                [*command, "--port", str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            self._log.close()
            raise SpectraError(f"{command[0]} cannot be started: {error.strerror or error}") from error

    def wait_until_ready(self) -> None:
        """Returns when it answers. Raises SpectraError."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if (code := self._process.poll()) is not None:
                raise SpectraError(f"llama-server ended at its start with exit code {code}: {self._last_line()}")
            try:
                if self._exchange("GET", "/health", None, 5.0)[0] == 200:
                    return
            except (OSError, HTTPException):
                pass
            time.sleep(0.1)
        raise SpectraError(f"llama-server was not ready after {_START_SECONDS:.0f} s: {self._last_line()}")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that it answers. Raises SpectraError."""
        try:
            status, data = self._exchange("POST", path, json.dumps(body), _ANSWER_SECONDS)
            answer = json.loads(data)
        except (OSError, HTTPException, ValueError) as error:
            raise SpectraError(f"llama-server did not answer: {error!r}; {self._last_line()}") from error
        if status != 200 or not isinstance(answer, dict):
            raise SpectraError(f"llama-server refused the request with status {status}: {data[:200]!r}")
        return answer

    def _exchange(self, method: str, path: str, body: str | None, timeout: float) -> tuple[int, bytes]:
        connection = HTTPConnection(_HOST, self._port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
