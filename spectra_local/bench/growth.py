"""What a store that grows brings over none: one project's requests in order, replayed through the real index.

Without a model and deterministic: background work on the index is waited for after each request.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectra_local.bench.made_history import Tokens, n_vocab_of
from spectra_local.bench.replay import Outcome, Run, end_tokens, replay_run, summary
from spectra_local.bench.tables import aligned
from spectra_local.history.database import Database
from spectra_local.history.index import Index
from spectra_local.history.lookup import History
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Origin, Turn
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter

GROW, EMPTY, FORGETFUL = "grow", "empty", "empty, calibration as shipped"
_LAST = 1 / 3  # of the requests: what the others taught shows there
_FINGERPRINT = "replayed"


class GrowingStore:
    """A user's store in a folder of its own."""

    def __init__(self, folder: Path, n_vocab: int) -> None:
        self._store = Store(Database(folder / "spectra.sqlite"))
        self.index = Index(self._store, _FINGERPRINT, n_vocab, folder / "segments")

    def add(self, run: Run, number: int) -> None:
        """Commits a request and its answer as a conversation of their own; they are searched from now on."""
        now = time.time()
        parts: tuple[tuple[Origin, list[int]], ...] = (("user", run.prompt), ("model", run.generated))
        turns = [
            Turn(str(number), origin, _FINGERPRINT, "", tokens=np.array(part, TOKEN), ts=now) for origin, part in parts
        ]
        first = self._store.add(turns)[0]
        self.index.add(self._store.turns(after=first - 1))
        self._settle()

    def import_layer(self, name: str, turns: Iterable[Tokens]) -> None:
        """Adds somebody else's history, a conversation a turn, as another program does while this one runs."""
        other = Database(self._store.database.path)
        Store(other).import_layer(
            name,
            (Turn(f"{name}/{i}", "user", _FINGERPRINT, "", tokens=tokens, ts=0.0) for i, tokens in enumerate(turns)),
        )
        other.close()
        self.index.refresh()
        self._settle()

    def _settle(self) -> None:
        self.index.wait()
        self.index.refresh()

    def close(self) -> None:
        """Ends background work and closes the file."""
        self.index.close()
        self._store.database.close()


def replay_growing(runs: Sequence[Run], cost: CostCurve, on_progress: Callable[[int], None]) -> list[Outcome]:
    """One outcome a request: all that was learned lives on, as in use."""
    with tempfile.TemporaryDirectory(prefix="spectra-replay-") as folder:
        store = GrowingStore(Path(folder), n_vocab_of(runs))
        drafter = SpectraDrafter(cost, [store.index], ends=end_tokens(runs))
        outcomes = []
        for number, run in enumerate(runs):
            on_progress(number)
            outcomes.append(replay_run(run, drafter, cost))
            store.add(run, number)
        store.close()
    return outcomes


def replay_empty(
    runs: Sequence[Run],
    cost: CostCurve,
    *,
    keep_calibration: bool = True,
    histories: Sequence[History] = (),
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[Outcome]:
    """One outcome a request: no text and no n-gram is carried from one to the next, calibration only if asked."""
    ends, calibration = end_tokens(runs), Calibration.shipped()
    outcomes = []
    for number, run in enumerate(runs):
        on_progress(number)
        if not keep_calibration:
            calibration = Calibration.shipped()
        drafter = SpectraDrafter(cost, histories, calibration=calibration, ends=ends)
        outcomes.append(replay_run(run, drafter, cost))
    return outcomes


def replay_growth(
    runs: Sequence[Run], cost: CostCurve, on_progress: Callable[[str, int], None] = lambda what, done: None
) -> dict[str, Any]:
    """Speeds over the last third of ``runs`` by task, with a growing store, with none, and grow / empty."""
    outcomes = {
        GROW: replay_growing(runs, cost, lambda done: on_progress(GROW, done)),
        EMPTY: replay_empty(runs, cost, on_progress=lambda done: on_progress(EMPTY, done)),
        FORGETFUL: replay_empty(
            runs, cost, keep_calibration=False, on_progress=lambda done: on_progress(FORGETFUL, done)
        ),
    }
    first = len(runs) - max(1, round(len(runs) * _LAST))
    last = {name: summary(of[first:]) for name, of in outcomes.items()}
    speeds = {name: {"all": s["all"], **s["tasks"]} for name, s in last.items()}
    ratios = {task: speed / speeds[EMPTY][task] for task, speed in speeds[GROW].items()}
    return {"n_requests": len(runs), "n_last": len(runs) - first, "last_third": speeds, "grow_over_empty": ratios}


def growth_table(curve: str, growth: dict[str, Any]) -> str:
    """A row each, a column a task; plain decoding is 1.00."""
    speeds: dict[str, dict[str, float]] = growth["last_third"]
    tasks = list(speeds[GROW])
    rows = [[name, *(f"{of[task]:.2f}" for task in tasks)] for name, of in speeds.items()]
    rows.append([f"{GROW} / {EMPTY}", *(f"{growth['grow_over_empty'][task]:.3f}" for task in tasks)])
    return aligned([f"last {growth['n_last']} of {growth['n_requests']} requests, {curve}", *tasks], rows)
