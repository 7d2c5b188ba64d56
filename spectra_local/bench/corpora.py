"""What a corpus brings, and what its filter does: recorded runs replayed with none, with all of it, with what is kept,
with as much of it chosen by lot, and by REST.

Needs no model: the corpus was scored before. All that is learned lives on over the requests, as in use; texts of the
requests themselves are not kept, so that nothing but the corpus differs. What was learned first moves the figures by a
per cent, so that SPECTRA is asked in several orders.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from spectra_local.bench.replay import Outcome, Run, end_tokens, replay_run, summary
from spectra_local.bench.tables import aligned
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.history.lookup import CORPUS, RETRIEVED
from spectra_local.speculation import retrieval
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.interface import Drafter
from spectra_local.speculation.rivals.rest import Rest

NONE = "none"
ORDERS = 3  # what a corpus brought on one project's 90 requests differed by .008 from order to order (deviation of 6)
REST = "REST, published settings"

Texts = Sequence[Sequence[int]]


def replay_corpora(
    runs: Sequence[Run],
    cost: CostCurve,
    corpora: Mapping[str, Texts],
    on_progress: Callable[[str, int], None] = lambda what, done: None,
) -> dict[str, dict[str, Any]]:
    """Summaries by name: without a corpus, and for each of ``corpora`` (token ids) by SPECTRA and by REST."""
    found = {}
    for name, make in _contestants(runs, cost, corpora).items():
        outcomes = list[Outcome]()
        for order in range(1 if name.endswith(REST) else ORDERS):  # REST learns nothing
            drafter = make()
            for run in _ordered(runs, order):
                on_progress(name, len(outcomes) % len(runs))
                outcomes.append(replay_run(run, drafter, cost))
        found[name] = summary(outcomes)
    return found


def _ordered(runs: Sequence[Run], order: int) -> Sequence[Run]:
    """As they were recorded, and shuffled in some ways."""
    return [runs[i] for i in np.random.default_rng(order).permutation(len(runs))] if order else runs


def _contestants(
    runs: Sequence[Run], cost: CostCurve, corpora: Mapping[str, Texts]
) -> dict[str, Callable[[], Drafter]]:
    ends = end_tokens(runs)

    def spectra(texts: Texts) -> Drafter:
        history = MemoryHistory(CORPUS)
        for text in texts:
            history.add(text, bytes([RETRIEVED]) * len(text))
        drafter = SpectraDrafter(cost, [history], ends=ends)
        drafter.retrieve_from(retrieval.count(texts))
        return drafter

    made: dict[str, Callable[[], Drafter]] = {NONE: lambda: SpectraDrafter(cost, ends=ends)}
    made |= {name: lambda texts=texts: spectra(texts) for name, texts in corpora.items()}  # type: ignore[misc]
    made |= {f"{name}, {REST}": lambda texts=texts: Rest(texts) for name, texts in corpora.items()}  # type: ignore[misc]
    return made


def corpora_table(curve: str, speeds: Mapping[str, Mapping[str, Any]]) -> str:
    """Tokens per unit cost, plain decoding being 1.00, and in brackets as a multiple of what no corpus brings."""
    tasks = list(speeds[NONE]["tasks"])
    without = speeds[NONE]

    def cell(speed: float, base: float) -> str:
        return f"{speed:.2f} ({speed / base:.3f})"

    rows = [
        [
            name,
            cell(of["all"], without["all"]),
            f"{of['worst']:.2f}",
            *(cell(of["tasks"][task], without["tasks"][task]) for task in tasks),
        ]
        for name, of in speeds.items()
    ]
    return aligned([f"corpus, {curve}", "all", "worst", *tasks], rows)
