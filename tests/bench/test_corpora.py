"""Corpora in replays: made-up recordings whose answers stand in one of two texts."""

import random

from spectra_local.bench.corpora import NONE, REST, corpora_table, replay_corpora
from spectra_local.bench.replay import Run
from spectra_local.speculation.cost import CostCurve

FLAT = CostCurve({1: 1.0, 64: 1.0})  # guesses are free: tokens per step and speed are the same


def runs() -> list[Run]:
    dice = random.Random(5)
    found = []
    for _ in range(4):
        text = dice.sample(range(1000, 9000), k=80)
        found.append(Run("fim", text[:40], text[40:], [([token], [1.0]) for token in text[40:]]))
    return found


def test_a_corpus_that_holds_the_answers_brings_more_than_none_and_another_one_costs_little() -> None:
    asked = runs()
    texts = [[*run.prompt[-20:], *run.generated] for run in asked]
    other = [random.Random(7).sample(range(1000, 9000), k=500)]
    speeds = replay_corpora(asked, FLAT, {"fitting": texts, "other": other})
    assert list(speeds) == [NONE, "fitting", "other", f"fitting, {REST}", f"other, {REST}"]
    assert speeds["fitting"]["all"] > 3 * speeds[NONE]["all"]
    assert speeds[f"fitting, {REST}"]["all"] > 3
    assert speeds["other"]["all"] > 0.98 * speeds[NONE]["all"]
    table = corpora_table("flat", speeds)
    assert "(1.000)" in table and "fim" in table
