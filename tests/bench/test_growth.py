"""What a store that grows brings over none, on made requests always and on recorded ones where they are at hand."""

import json
import os
import random
from pathlib import Path

import pytest

from spectra_local.bench.growth import EMPTY, GROW, growth_table, replay_growth
from spectra_local.bench.replay import Run, read_trace
from spectra_local.speculation.cost import CostCurve

SHARED = Path(os.environ.get("SPECTRA_SHARED") or Path(__file__).parents[3] / "shared")
TRACE, CURVES = SHARED / "traces" / "click_sessions-coder-0.5b.jsonl.gz", SHARED / "traces" / "curves.json"
GPU = CostCurve({1: 1, 2: 1.07, 4: 1.25, 8: 1.9, 16: 2.4, 32: 2.8, 64: 3.6, 128: 5.2})


def asked_again(times: int) -> list[Run]:
    """Novel requests, then the same ones again; nothing in an answer is in its own prompt."""
    rng = random.Random(3)
    runs = []
    for _ in range(4):
        prompt, answer = rng.sample(range(1000), 40), rng.sample(range(1000, 2000), 60)
        runs.append(Run("chat", prompt, answer, [([token], [1.0]) for token in answer]))
    return runs * times


def test_what_was_asked_before_is_drafted_from_the_store() -> None:
    growth = replay_growth(asked_again(3), GPU)
    assert (growth["n_last"], growth["n_requests"]) == (4, 12)
    assert growth["last_third"][EMPTY]["chat"] == pytest.approx(1.0, abs=0.05)
    assert growth["last_third"][GROW]["chat"] > 5
    assert "grow / empty" in growth_table("gpu", growth)


def test_a_growing_replay_is_deterministic() -> None:
    assert replay_growth(asked_again(2), GPU) == replay_growth(asked_again(2), GPU)


@pytest.mark.skipif(not TRACE.exists(), reason=f"no recorded runs in {TRACE.parent}")
@pytest.mark.parametrize(("curve", "everything", "edit"), [("gpu", 1.05, 1.15), ("cpu-q4k-1.5b", 1.0, 1.0)])
def test_one_projects_requests_gain_from_those_before_them(curve: str, everything: float, edit: float) -> None:
    points = json.loads(CURVES.read_text("utf-8"))[curve]
    cost = CostCurve({int(width): price for width, price in points.items()})
    ratios = replay_growth(read_trace(TRACE)[:45], cost)["grow_over_empty"]
    assert ratios["all"] >= everything
    assert ratios["edit"] >= edit
