"""The main job's figures: ``python -m spectra_local.bench.footprint MODEL.gguf``.

Decoding speed against llama-cpp-python's own ``Llama`` (paired runs in one process), peak memory against it (processes
of their own), start-up times, and how soon an answer stops. Prints a table; asserts nothing, machines are noisy.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from spectra_local.engine import Engine
from spectra_local.protocol import Done, EngineOptions, LoadProgress, Message, PromptProgress, Request, Text
from spectra_local.python_process import code_command, module_command
from spectra_local.worker import EngineProcess

_PROMPT = "Once upon a time there was a cat who"
_N_CTX = 2048
_PAIRS, _TOKENS = 9, 128
_STOPS = 20
_LONG_PROMPT_TOKENS = 3000


def main(model: Path) -> None:
    """Measures everything and prints a row each."""
    rows: list[tuple[str, str, str]] = []
    print(f"{'figure':44s} {'asked':>12s} {'reached':>34s}")

    def row(figure: str, asked: str, reached: str) -> None:
        rows.append((figure, asked, reached))
        print(f"{figure:44s} {asked:>12s} {reached:>34s}", flush=True)

    ratios, ours = _decode_ratios(model)
    row("plain decoding / Llama, tokens/s", ">= 0.98", f"{median(ratios):.3f} ({min(ratios):.2f}-{max(ratios):.2f})")
    row("plain decoding", "", f"{ours:.1f} tokens/s")
    chat, llama = _peak_memory("chat", model), _peak_memory("llama", model)
    row("peak memory of ask, both processes", "<= Llama + 60", f"{chat:.0f} MB, Llama {llama:.0f} MB")
    row("spectra-chat --version", "<= 0.15 s", f"{_command_seconds('--version'):.3f} s")
    row("import spectra_local", "no textual", _imports())
    decoding, prefill = _stop_seconds(model)
    row("stop while decoding, p95", "<= 200 ms", f"{1000 * _p95(decoding):.0f} ms of {len(decoding)}")
    row("stop in a 3,000-token prefill, p95", "<= 1 s", f"{1000 * _p95(prefill):.0f} ms of {len(prefill)}")


def _decode_ratios(model: Path) -> tuple[list[float], float]:
    """Ours over Llama's, pair by pair, and our median tokens/s; the same prompt, greedy, evaluated anew each time."""
    from llama_cpp import Llama

    engine = Engine(model, EngineOptions(n_ctx=_N_CTX, history=False))
    _drain(engine.load())
    request = Request(prompt=_PROMPT, max_tokens=_TOKENS, speculate=False)
    threads = int(engine.info.device.split()[1]) if engine.info.device.startswith("CPU") else None
    llama = Llama(str(model), n_ctx=_N_CTX, n_threads=threads, n_threads_batch=threads, n_gpu_layers=-1, verbose=False)

    def ours() -> float:
        done = next(event for event in engine.generate(request) if isinstance(event, Done))
        return 1000 * (done.timings.predicted_n - 1) / done.timings.predicted_ms

    def theirs() -> float:
        chunks: Iterator[Any] = iter(llama.create_completion(_PROMPT, max_tokens=_TOKENS, temperature=0.0, stream=True))
        next(chunks)  # the first comes from the prompt's logits
        started = time.perf_counter()
        n = sum(1 for chunk in chunks if not chunk["choices"][0]["finish_reason"])
        return n / (time.perf_counter() - started)

    ours(), theirs()
    pairs = [(ours(), theirs()) if i % 2 else tuple(reversed((theirs(), ours()))) for i in range(_PAIRS)]
    engine.close()
    return [a / b for a, b in pairs], median(a for a, _ in pairs)


_LLAMA = """
import sys
from llama_cpp import Llama
llama = Llama(sys.argv[1], n_ctx=2048, verbose=False)
for chunk in llama.create_chat_completion([{"role": "user", "content": sys.argv[2]}], max_tokens=200, temperature=0.0,
                                          stream=True):
    pass
"""


def _peak_memory(what: str, model: Path) -> float:
    """Largest sum over the processes of their proportional memory (PSS), in MB, while a question is answered."""
    question = "Tell me about the moon."
    command = {
        "chat": module_command("tui", "ask", "-m", str(model), "-n", "200", "--plain", question),
        "llama": code_command(_LLAMA, str(model), question),
    }[what]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(map(_pss, _family(process.pid))))
        time.sleep(0.02)
    return peak / 1000


def _family(pid: int) -> list[int]:
    """The process and its children (Linux)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(p for child in children for p in _family(int(child)))]


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _command_seconds(*arguments: str) -> float:
    def once() -> float:
        started = time.perf_counter()
        subprocess.run(module_command("tui", *arguments), check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    return median(once() for _ in range(9))


def _imports() -> str:
    code = "import sys, spectra_local; print([m for m in ('textual', 'llama_cpp', 'numpy') if m in sys.modules])"
    return subprocess.run(code_command(code), check=True, capture_output=True, text=True).stdout.strip()


def _stop_seconds(model: Path) -> tuple[list[float], list[float]]:
    """From ``cancel`` to Done, through the worker's pipe: while decoding, and within a long prefill."""
    worker = EngineProcess(model, EngineOptions(n_ctx=_LONG_PROMPT_TOKENS + _N_CTX, history=False))
    _drain(worker.load())
    story = Request(messages=(Message("user", "Tell a very long story."),))
    decoding = [
        _stopped_after(worker, story, lambda event: isinstance(event, Text), 0.1 + 0.01 * i) for i in range(_STOPS)
    ]
    prefill = []
    for i in range(_STOPS):
        text = f"{i} words, " + "and more and more of them " * (_LONG_PROMPT_TOKENS // 6)
        long = Request(prompt=text, max_tokens=4)
        prefill.append(_stopped_after(worker, long, lambda event: isinstance(event, PromptProgress), 0.02 * i))
    worker.close()
    return decoding, prefill


def _stopped_after(worker: EngineProcess, request: Request, starts: Callable[[object], bool], wait: float) -> float:
    """Seconds from a cancel, ``wait`` after the first event that ``starts``, to the answer's end."""
    asked: list[float] = []

    def cancel() -> None:
        asked.append(time.perf_counter())
        worker.cancel()

    timer = threading.Timer(wait, cancel)
    begun = False
    for event in worker.generate(request):
        if not begun and starts(event):
            begun = True
            timer.start()
    timer.join() if begun else None
    return max(0.0, time.perf_counter() - asked[0])


def _p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def _drain(events: Iterator[LoadProgress]) -> None:
    for _ in events:
        pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["SPECTRA_HOME"] = home
        main(Path(sys.argv[1]))
