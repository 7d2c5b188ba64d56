"""What a large history costs: ``python -m spectra_local.bench.history [--tokens N,N] [--trace FILE] [--json]``.

Makes stores of some sizes in a temporary home and measures the index as the engine uses it: look-ups, opening, memory,
committing a turn, the background build, and what drafting costs a decode step. Prints a table; asserts nothing,
machines are noisy. Every size is built and used in processes of their own.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from spectra_local.bench.made_history import Tokens, as_record, as_runs, made_records, made_turns, n_vocab_of
from spectra_local.bench.replay import Run, read_trace, replay_run
from spectra_local.bench.tables import aligned, percentile
from spectra_local.history.database import Database
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.history.index import Index
from spectra_local.history.personal import Exchange, PersonalHistory
from spectra_local.history.savings import Saved
from spectra_local.history.store import Store
from spectra_local.history.turn import Origin, Turn
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.cursor import AHEAD, PLACES
from spectra_local.speculation.drafter import SpectraDrafter

SIZES = (100_000, 1_000_000, 10_000_000)
# SmolLM2-135M Q4_1 on two AVX-512 cores: the smallest model in use, so the one that overhead hurts most.
STEP_MS = 7.5
_COST = {1: 1.0, 2: 1.63, 4: 2.47, 8: 4.15, 16: 7.43, 32: 14.0, 64: 25.8, 128: 49.6}
_N_VOCAB = 49_152
_FINGERPRINT = "measured"
_LETTERS = 4  # of text to a token
_BATCH = 500  # turns committed at once while a store is made
_MOST_REQUESTS = 24
_COMMITS = 200
_LOOKUPS = 20_000


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one size. Memory is this process's own and shared pages (PSS), in MB."""

    tokens: int
    build_s_per_million: float  # from an empty index to a whole one, at low priority
    build_peak_mb: float  # beyond what the process had before
    opening_ms: float
    _: KW_ONLY
    memory_mb: float  # after the look-ups, beyond what the process had before opening
    lookup_us_p50: float  # finding the places that the context ends like
    lookup_us_p99: float
    reading_us_p99: float  # what follows all of them, as far as a drafter looks
    commit_ms_p95: float  # both turns of an answer and what was saved
    draft_ms: float  # drafting and learning, mean of a step


ASKED = {
    "build_s_per_million": 10.0,
    "build_peak_mb": 250.0,
    "opening_ms": 300.0,
    "memory_mb": 250.0,
    "lookup_us_p99": 100.0,
    "commit_ms_p95": 10.0,
}


def measure(
    sizes: Sequence[int], runs: Sequence[Run], say: Callable[[str], None] = lambda words: None
) -> list[Figures]:
    """Figures of each size. Half of ``runs`` is what the history varies, the other half is asked."""
    n_vocab = max(_N_VOCAB, n_vocab_of(runs)) if runs else _N_VOCAB
    records = [as_record(run) for run in runs[::2]] if runs else made_records(n_vocab)
    requests = list(runs[1::2]) if runs else as_runs(made_turns(records, n_vocab, 10_000, seed=2))
    requests = requests[:: max(1, len(requests) // _MOST_REQUESTS)][:_MOST_REQUESTS]
    found = []
    for n_tokens in sizes:
        with tempfile.TemporaryDirectory(prefix="spectra-history-") as home:
            say(f"{n_tokens:,} tokens: writing")
            _alone(_written, home, records, n_vocab, n_tokens)
            say(f"{n_tokens:,} tokens: building")
            seconds, peak = _alone(_built, home, n_vocab)
            say(f"{n_tokens:,} tokens: using")
            used = _alone(_used, home, n_vocab, requests)
            found.append(Figures(n_tokens, 1e6 * seconds / n_tokens, peak, **used))
    return found


def growth(figures: Sequence[Figures]) -> float:
    """Share of a decode step that drafting takes more at the largest size than at the smallest."""
    return (figures[-1].draft_ms - figures[0].draft_ms) / STEP_MS


def _alone(work: Callable[..., Any], home: str, *arguments: Any) -> Any:
    """The result of ``work`` in a new process whose files are below ``home``."""
    wanted = {"SPECTRA_HOME": home, "PYTHONSAFEPATH": "1"}  # as -P, for a command line that is not ours
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(work, arguments)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _written(records: Sequence[Tokens], n_vocab: int, n_tokens: int) -> None:
    store = Store(Database(), cap=1 << 40)
    batch: list[Turn] = []
    for number, tokens in enumerate(made_turns(records, n_vocab, n_tokens)):
        origin: Origin = "model" if number % 2 else "user"
        text = "text" * (_LETTERS * len(tokens) // 4)
        batch.append(Turn(f"chat {number // 6}", origin, _FINGERPRINT, text, tokens=tokens, ts=1e9 + number))
        if len(batch) == _BATCH:
            store.add(batch)
            batch = []
    store.add(batch)
    store.database.close()


def _built(n_vocab: int) -> tuple[float, float]:
    before = _peak_mb()
    started = time.perf_counter()
    history = PersonalHistory(_FINGERPRINT, n_vocab)
    if history.index:
        history.index.wait()
    seconds = time.perf_counter() - started
    history.close()
    return seconds, _peak_mb() - before


def _used(n_vocab: int, requests: Sequence[Run]) -> dict[str, float]:
    drafter = SpectraDrafter(CostCurve(_COST), [])
    before = _memory_mb()
    started = time.perf_counter()
    history = PersonalHistory(_FINGERPRINT, n_vocab)
    opening = time.perf_counter() - started
    index = history.index
    if index is None:
        raise SystemExit(history.take_notice())
    index.wait()  # a segment of what was left over, where that is due: no part of opening
    lookups, readings = _lookups(index, requests)
    memory = _memory_mb() - before
    drafter.histories = [index, MemoryHistory()]
    clock: list[int] = []
    for run in requests:
        replay_run(run, drafter, drafter.cost, clock)
    commits = _commits(history, requests)
    history.close()
    return {
        "opening_ms": 1e3 * opening,
        "memory_mb": memory,
        "lookup_us_p50": percentile(lookups, 0.5) / 1e3,
        "lookup_us_p99": percentile(lookups, 0.99) / 1e3,
        "reading_us_p99": percentile(readings, 0.99) / 1e3,
        "commit_ms_p95": percentile(commits, 0.95) / 1e6,
        "draft_ms": fmean(clock) / 1e6,
    }


def _lookups(index: Index, requests: Sequence[Run]) -> tuple[list[int], list[int]]:
    """Nanoseconds of this thread for each look-up and each reading, at every place of the answers."""
    lookups: list[int] = []
    readings: list[int] = []
    for run in requests:
        context = list(run.prompt)
        for token in run.generated:
            started = time.thread_time_ns()
            found = index.matches(context, PLACES)
            looked_up = time.thread_time_ns()
            for match in found:
                index.following(match.position, AHEAD)
            readings.append(time.thread_time_ns() - looked_up)
            lookups.append(looked_up - started)
            context.append(token)
            if len(lookups) == _LOOKUPS:
                return lookups, readings
    return lookups, readings


def _commits(history: PersonalHistory, requests: Sequence[Run]) -> list[int]:
    """Nanoseconds of committing question and answer, each in a conversation of its own."""
    found = []
    for number in range(_COMMITS):
        run = requests[number % len(requests)]
        text = "text" * len(run.generated)
        exchange = Exchange(
            f"measured {number}", "chat", text, run.prompt, reused=0, answer=text, answered=run.generated
        )
        started = time.perf_counter_ns()
        history.record(exchange, Saved(answers=1, predicted_n=len(run.generated)))
        found.append(time.perf_counter_ns() - started)
    return found


def _memory_mb() -> float:
    """Proportional memory of this process (Linux)."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1e3
    return 0.0


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def table(figures: Sequence[Figures]) -> str:
    """A row a figure, a column a size."""
    rows = []
    for name in list(Figures.__dataclass_fields__)[1:]:
        asked = f"<= {ASKED[name]:g}" if name in ASKED else ""
        rows.append([name, asked, *(f"{getattr(f, name):.{3 if name == 'draft_ms' else 1}f}" for f in figures)])
    rows.append(["growth of the decode step", "< 5 %", *[""] * (len(figures) - 1), f"{100 * growth(figures):.1f} %"])
    return aligned(["figure", "asked", *(f"{f.tokens:,}" for f in figures)], rows)


def main(arguments: Iterable[str]) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m spectra_local.bench.history", description=__doc__)
    parser.add_argument("--tokens", default=",".join(map(str, SIZES)), help="sizes, smallest first")
    parser.add_argument(
        "--trace", type=Path, help="recorded runs (.jsonl.gz) that the history varies and that are asked"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(list(arguments))
    runs = read_trace(given.trace) if given.trace else []
    sizes = [int(n) for n in given.tokens.split(",")]
    figures = measure(sizes, runs, lambda words: print(words, file=sys.stderr, flush=True))
    if given.json:
        print(json.dumps({"sizes": [asdict(f) for f in figures], "growth_of_step": growth(figures)}))
    else:
        print(table(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
