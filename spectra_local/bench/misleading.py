"""``python -m spectra_local.bench.misleading TRACE CURVES --curve NAME``: what a hostile import can cost.

A layer is imported whose n-grams are half random and half the worst there is: contexts of the very answers that are
replayed, each followed by something else. Compared with the same requests without the layer, by task; 1.00: no loss.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from spectra_local.bench.growth import GrowingStore
from spectra_local.bench.made_history import Tokens, n_vocab_of
from spectra_local.bench.replay import Outcome, Run, end_tokens, replay_run, summary
from spectra_local.bench.replay_contest import load_curve, load_trace
from spectra_local.errors import SpectraError
from spectra_local.history.lookup import History
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter

N_GRAMS = 1_000_000  # a token that at least four stand before is the end of one
_TRUE = 4  # tokens of a true context: what a look-up needs. Longer ones gave the answers away, and helped
_WRONG = 12  # tokens that follow it, none of them what really did
_RANDOM = 400  # tokens of a random turn


def hostile_turns(runs: Sequence[Run], n_grams: int, seed: int = 0) -> Iterator[Tokens]:
    """Turns of ``n_grams`` tokens together, half of them random, half misleading."""
    rng = np.random.default_rng(seed)
    n_vocab = n_vocab_of(runs)
    for _ in range(n_grams // 2 // _RANDOM):
        yield rng.integers(n_vocab, size=_RANDOM).astype(np.int32)
    texts = [(np.array([*run.prompt, *run.generated], np.int32), len(run.prompt)) for run in runs]
    missing = n_grams // 2
    while missing > 0:
        text, n_prompt = texts[int(rng.integers(len(texts)))]
        at = int(rng.integers(n_prompt, len(text)))
        context = text[max(0, at - _TRUE) : at]
        wrong = text[rng.integers(len(text), size=_WRONG)]  # the text's own words, as a clever liar would take
        true = text[at : at + _WRONG]
        wrong[: len(true)][wrong[: len(true)] == true] = int(rng.integers(n_vocab))
        yield np.concatenate((context, wrong))
        missing -= len(context) + _WRONG


def replay_misled(runs: Sequence[Run], cost: CostCurve, n_grams: int = N_GRAMS) -> dict[str, Any]:
    """Speeds by task with the hostile layer and with none, and their ratio; all else lives on over the requests."""
    with tempfile.TemporaryDirectory(prefix="spectra-misleading-") as folder:
        store = GrowingStore(Path(folder), n_vocab_of(runs))
        store.import_layer("hostile", hostile_turns(runs, n_grams))
        speeds = {"none": _speeds(_replayed(runs, cost, [])), "hostile": _speeds(_replayed(runs, cost, [store.index]))}
        store.close()
    ratios = {task: speeds["hostile"][task] / speed for task, speed in speeds["none"].items()}
    return {"n_grams": n_grams, **speeds, "hostile_over_none": ratios}


def _replayed(runs: Sequence[Run], cost: CostCurve, histories: Sequence[History]) -> list[Outcome]:
    drafter = SpectraDrafter(cost, histories, ends=end_tokens(runs))
    return [replay_run(run, drafter, cost) for run in runs]


def _speeds(outcomes: Sequence[Outcome]) -> dict[str, float]:
    of = summary(outcomes)
    return {"all": of["all"], **of["tasks"]}


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.argument("curves", type=click.Path(path_type=Path))
@click.option("--curve", required=True, help="Which of the cost curves.")
@click.option("--n-grams", type=click.IntRange(1), default=N_GRAMS, show_default=True)
def main(trace: Path, curves: Path, curve: str, n_grams: int) -> None:
    """Replay, and print one JSON object."""
    figures = replay_misled(load_trace(trace), load_curve(curves, curve), n_grams)
    click.echo(json.dumps({"trace": trace.name, "curve": curve, **figures}))


if __name__ == "__main__":
    try:
        main()
    except SpectraError as error:
        sys.exit(f"misleading: {error}")
