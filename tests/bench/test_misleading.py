"""A hostile import costs next to nothing, on made requests always and on recorded ones where they are at hand."""

import json
import os
import random
from pathlib import Path

import pytest

from spectra_local.bench.misleading import hostile_turns, replay_misled
from spectra_local.bench.replay import Run, read_trace
from spectra_local.speculation.cost import CostCurve

SHARED = Path(os.environ.get("SPECTRA_SHARED") or Path(__file__).parents[3] / "shared")
TRACE, CURVES = SHARED / "traces" / "click_sessions-coder-0.5b.jsonl.gz", SHARED / "traces" / "curves.json"
GPU = CostCurve({1: 1, 2: 1.07, 4: 1.25, 8: 1.9, 16: 2.4, 32: 2.8, 64: 3.6, 128: 5.2})
LEAST = 0.97  # of the speed without the import


def novel(count: int) -> list[Run]:
    """Answers that nothing foresees."""
    rng = random.Random(5)
    runs = []
    for _ in range(count):
        answer = rng.sample(range(1000, 3000), 80)
        runs.append(Run("chat", rng.sample(range(1000), 60), answer, [([token], [1.0]) for token in answer]))
    return runs


def test_a_hostile_turn_says_something_else_than_what_followed() -> None:
    runs = novel(2)

    def windows(n: int) -> set[tuple[int, ...]]:
        texts = [[*run.prompt, *run.generated] for run in runs]
        return {tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)}

    contexts, continued = windows(4), windows(5)
    turns = [turn.tolist() for turn in hostile_turns(runs, 8000)]
    assert 8000 <= sum(map(len, turns)) < 8000 + 100
    misleading = [turn for turn in turns if tuple(turn[:4]) in contexts]
    assert len(misleading) > 200
    assert not any(tuple(turn[:5]) in continued for turn in misleading)


def test_a_hostile_import_loses_less_than_three_per_cent() -> None:
    assert replay_misled(novel(12), GPU, 20_000)["hostile_over_none"]["all"] >= LEAST


@pytest.mark.skipif(not TRACE.exists(), reason=f"no recorded runs in {TRACE.parent}")
def test_recorded_requests_lose_less_than_three_per_cent_to_a_hostile_import() -> None:
    points = json.loads(CURVES.read_text("utf-8"))["cpu-q4k-1.5b"]
    cost = CostCurve({int(width): price for width, price in points.items()})
    assert replay_misled(read_trace(TRACE)[:30], cost, 60_000)["hostile_over_none"]["all"] >= LEAST
