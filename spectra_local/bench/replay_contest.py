"""SPECTRA, plain decoding and rivals over the same recorded runs, pass by pass.

A first pass is cold; in later ones everything was seen before. Knows recordings and cost curves, no model.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from spectra_local.bench.methods import PLAIN, SPECTRA
from spectra_local.bench.replay import Outcome, Run, end_tokens, read_trace, replay_run, summary
from spectra_local.errors import SpectraError
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.interface import Drafter
from spectra_local.speculation.match import TOKEN_BITS
from spectra_local.speculation.rivals import RIVALS, TextStore

_MOST_WIDTH = 4096  # of a cost curve; no decode is wider


def load_trace(path: Path) -> list[Run]:
    """The recorded runs of a trace that were answered. Raises SpectraError where the file is damaged or is no trace."""
    try:
        runs = read_trace(path)
        for run in runs:
            _check(run)
    except OSError as error:
        raise SpectraError(f"{path} cannot be read as a gzipped trace: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, EOFError, zlib.error) as error:
        raise SpectraError(f"{path} is damaged or no trace of recorded runs ({_reason(error)})") from error
    runs = [run for run in runs if run.generated]
    if not runs:
        raise SpectraError(f"{path} holds no recorded answers")
    return runs


def _reason(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__


def _check(run: Run) -> None:
    tokens = [*run.prompt, *run.generated, *(token for ids, _ in run.top for token in ids)]
    if not all(type(token) is int and 0 <= token < 1 << TOKEN_BITS for token in tokens):
        raise ValueError("a token id is no number, or too large")
    if not isinstance(run.task, str) or len(run.top) != len(run.generated):
        raise ValueError("a row's fields do not belong together")


def load_curve(path: Path, name: str) -> CostCurve:
    """The curve called ``name`` of a file of curves. Raises SpectraError where it is absent or damaged."""
    try:
        curves = json.loads(path.read_text("utf-8"))
        known = sorted(key for key, points in curves.items() if isinstance(points, dict))
        if name not in known:
            raise SpectraError(f"{path} has no curve {name!r}; it has {', '.join(known) or 'none'}")
        points = {int(width): float(cost) for width, cost in curves[name].items()}
        if max(points) > _MOST_WIDTH or not all(0 < cost < float("inf") for cost in points.values()):
            raise ValueError("absurd widths or costs")
        return CostCurve(points)
    except OSError as error:
        raise SpectraError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise SpectraError(f"{path} is damaged or no file of cost curves ({error})") from error


def _contestant(name: str, runs: Sequence[Run], cost: CostCurve) -> tuple[Drafter, TextStore | None]:
    """The drafter of a method, and where it wants earlier texts put, if it does not keep its own."""
    if name == SPECTRA:
        history = MemoryHistory()
        return SpectraDrafter(cost, [history], ends=end_tokens(runs)), history
    drafter = RIVALS[name]()
    return drafter, drafter if isinstance(drafter, TextStore) else None


def _remember(store: TextStore | None, runs: Iterable[Run]) -> None:
    if store is not None:
        for run in runs:
            store.add([*run.prompt, *run.generated])


def replay_passes(
    runs: Sequence[Run],
    cost: CostCurve,
    methods: Sequence[str],
    n_passes: int,
    *,
    growing: bool,
    on_progress: Callable[[str, int], None] = lambda method, n_done: None,
) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Replays all ``runs`` through ``methods`` (SPECTRA and names of RIVALS; plain is always there).

    ``growing``: in the first pass each run joins the history once it was answered; else all do when the pass ends.
    Returns for each pass the summaries by method, and by method the nanoseconds drafting took in each step.
    """
    plain = summary([Outcome(r.task, len(r.generated), float(len(r.generated)), len(r.generated)) for r in runs])
    passes: list[dict[str, Any]] = [{PLAIN: plain} for _ in range(n_passes)]
    clocks: dict[str, list[int]] = {}
    for name in methods:
        drafter, store = _contestant(name, runs, cost)
        clock = clocks[name] = []
        for number, results in enumerate(passes):
            outcomes = []
            for done, run in enumerate(runs):
                on_progress(name, number * len(runs) + done)
                outcomes.append(replay_run(run, drafter, cost, clock))
                if number == 0 and growing:
                    _remember(store, [run])
            if number == 0 and not growing:
                _remember(store, runs)
            results[name] = summary(outcomes)
    return passes, clocks
