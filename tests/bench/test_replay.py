"""The drafting policy against recorded runs: a made one always, the real ones where they are at hand."""

import gzip
import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from spectra_local.bench.replay import Outcome, Run, end_tokens, read_trace, replay_run, summary
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter

SHARED = Path(os.environ.get("SPECTRA_SHARED") or Path(__file__).parents[3] / "shared")
TRACES = SHARED / "traces"
needs_traces = pytest.mark.skipif(not (TRACES / "curves.json").exists(), reason=f"no recorded runs in {TRACES}")
GPU = CostCurve({1: 1, 2: 1.07, 4: 1.25, 8: 1.9, 16: 2.4, 32: 2.8, 64: 3.6, 128: 5.2})
CPU = CostCurve({1: 1, 2: 1.67, 4: 2.85, 7: 4.6, 8: 6.3, 15: 9.2, 16: 7.6, 32: 12.8, 64: 22.4, 128: 41.5})
END = 9


def made_runs(copies: float, count: int = 8, length: int = 80) -> list[Run]:
    """Answers that copy from their prompts with the probability ``copies`` a token, else jump elsewhere."""
    rng = random.Random(7)
    runs = []
    for _ in range(count):
        prompt = [rng.randrange(10, 3000) for _ in range(200)]
        generated, at = [], 0
        for _ in range(length):
            at = at + 1 if rng.random() < copies and at < 199 else rng.randrange(200)
            generated.append(prompt[at])
        generated.append(END)
        runs.append(Run("made", prompt, generated, [([token], [1.0]) for token in generated]))
    return runs


def replayed(runs: list[Run], cost: CostCurve, passes: int = 1) -> list[dict]:
    history = MemoryHistory()
    drafter = SpectraDrafter(cost, [history], ends=end_tokens(runs))
    results = []
    for _ in range(passes):
        results.append(summary([replay_run(run, drafter, cost) for run in runs]))
        for run in runs:
            history.add([*run.prompt, *run.generated])
    return results


def test_a_replay_is_deterministic() -> None:
    runs = made_runs(0.9)
    assert replayed(runs, GPU, 2) == replayed(runs, GPU, 2)


def test_answers_that_copy_gain_and_those_seen_before_gain_most() -> None:
    cold, seen = replayed(made_runs(0.95), GPU, 2)
    assert cold["all"] > 2.0
    assert seen["all"] > 8.0
    assert replayed(made_runs(0.95), CPU)[0]["all"] > 1.1


def test_answers_out_of_the_blue_lose_next_to_nothing() -> None:
    for cost in (GPU, CPU):
        assert replayed(made_runs(0.0, count=16), cost)[0]["worst"] > 0.93


def test_nothing_is_drafted_beyond_the_limit_that_cut_an_answer() -> None:
    class Spy(SpectraDrafter):
        def propose(self, budget):
            asked.append(budget)
            return super().propose(budget)

    ended = made_runs(0.95)[0]
    cut = replace(ended, is_cut=True)
    asked: list[int] = []
    assert replay_run(ended, Spy(GPU), GPU).tokens == 81
    assert set(asked) == {GPU.max_width - 1}
    asked.clear()
    assert replay_run(cut, Spy(GPU), GPU).tokens == 81
    assert asked[0] == 80
    assert asked == sorted(asked, reverse=True)


def test_every_token_is_paid_for_once() -> None:
    class Nothing(SpectraDrafter):
        def propose(self, budget):
            return super().propose(0)

    run = made_runs(0.9)[0]
    assert replay_run(run, Nothing(GPU), GPU) == Outcome("made", 81, 81.0, 81)


def test_end_tokens_end_several_answers_and_stand_nowhere_else() -> None:
    def answer(*tokens: int) -> Run:
        return Run("x", [1], list(tokens), [([token], [1.0]) for token in tokens])

    assert end_tokens([answer(1, 2, 9), answer(3, 9), answer(4, 7), answer(7, 2), answer(5, 2)]) == {9}


def test_a_trace_is_read_with_its_top_normalised(tmp_path: Path) -> None:
    row = {"task": "t", "prompt": [1], "generated": [2], "top_ids": [[2, 3, 4]], "top_logprobs": [[-0.1, -2.4, -9.0]]}
    path = tmp_path / "trace.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.write(json.dumps(row) + "\n")
    (run,) = read_trace(path)
    assert run.top[0][0] == [2, 3]
    assert sum(run.top[0][1]) == pytest.approx(1.0)


# A change of method that costs more than some per cent fails here.
@needs_traces
@pytest.mark.parametrize(
    ("trace", "curve", "cold", "seen", "worst"),
    [
        ("qwen2.5-coder-1.5b-instruct-q4_k_m", "cpu-q4k-1.5b", 1.12, 2.3, 0.93),
        ("qwen2.5-coder-1.5b-instruct-q4_k_m", "gpu", 1.65, 14.0, 0.95),
        ("smollm2-135m-instruct-q4_1", "cpu-q41-135m", 1.15, 2.2, 0.94),
        ("smollm2-135m-instruct-q4_1", "gpu", 1.78, 16.0, 0.97),
    ],
)
def test_recorded_runs_gain_cold_and_more_when_seen(
    trace: str, curve: str, cold: float, seen: float, worst: float
) -> None:
    points = json.loads((TRACES / "curves.json").read_text("utf-8"))[curve]
    cost = CostCurve({int(width): price for width, price in points.items()})
    first, second = replayed(read_trace(TRACES / f"{trace}.jsonl.gz"), cost, 2)
    assert first["all"] >= cold
    assert first["worst"] >= worst
    assert second["all"] >= seen
