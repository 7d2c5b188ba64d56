"""Fits the shipped calibration to recorded runs: ``python -m spectra_local.bench.priors OUT.json TRACE.jsonl.gz...``

Every guess that a drafter weighed in a replay is one trial: the evidence it had, and whether it came true. The weights
are the logistic regression of all trials; it is convex, so the same traces give the same priors. Each trace is
replayed cold, then with its own answers as a growing history, then with everything seen once, so that all sources
have trials. ``--replay`` with traces that were left out says how well the result carries over.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectra_local.bench.replay import Run, end_tokens, read_trace, replay_run
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.speculation import evidence
from spectra_local.speculation.calibration import MOST_TRUSTED, Calibration
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.match import ASKED, CONTEXT, CORPUS, HISTORY, IMPORT, PREDICTION

# A device on which width is nearly free: trees grow wide, so that there are trials of unlikely guesses too.
CHEAP_WIDTH = {1: 1.0, 4: 1.25, 16: 2.4, 64: 3.6, 128: 5.2}
RIDGE = 4.0  # penalty on squared weights: 1 to 8 differ by less than .005 of speed on traces left out
MOST_SURE_TRIES = 200.0  # that sure rates are shipped with: a user's own tries soon outweigh them
# No recorded run has these sources: each starts as another does, and learns soon.
BORROWED = {PREDICTION: CONTEXT, ASKED: HISTORY, IMPORT: CONTEXT, CORPUS: CONTEXT}
BORROWED_TRIALS = 20.0
BORROWED_TRIES = 30.0
# The dictionaries of corpora begin as CORE's do. Their number was tried on one project's runs, where 20 to 200
# differ by what is noise; fitted to runs beside code that had nothing to do with them they trusted no corpus, and
# learned to too slowly.
BORROWED_LEVEL_TRIALS = 100.0

Weights = NDArray[np.float64]


class Trials(Calibration):
    """A calibration that also notes every trial. It learns as usual, since the trees depend on it."""

    def __init__(self) -> None:
        super().__init__()
        shipped = Calibration.shipped()
        self.weights, self.trials = shipped.weights, shipped.trials
        self.kinds: list[tuple[int, ...]] = []
        self.hits: list[bool] = []
        self.sure_hits = np.zeros(evidence.SURE_KINDS)
        self.sure_tries = np.zeros(evidence.SURE_KINDS)

    def observe(self, kinds: Sequence[int], rank: int, hit: bool) -> None:
        """Notes and learns one trial."""
        self.kinds.append(tuple(kinds))
        self.hits.append(hit)
        super().observe(kinds, rank, hit)

    def observe_sure(self, kind: int, hits: int, tries: int) -> None:
        """Notes and learns trials of a sure match."""
        self.sure_hits[kind] += hits
        self.sure_tries[kind] += tries
        super().observe_sure(kind, hits, tries)

    def watch(self, runs: Sequence[Run]) -> None:
        """Replays one trace cold, with a growing history, and with everything seen once."""
        cost, ends = CostCurve(CHEAP_WIDTH), end_tokens(runs)
        drafter = SpectraDrafter(cost, calibration=self, ends=ends)
        for run in runs:
            replay_run(run, drafter, cost)
        history = MemoryHistory()
        drafter = SpectraDrafter(cost, [history], calibration=self, ends=ends)
        for run in runs:
            replay_run(run, drafter, cost)
            history.add(run.prompt + run.generated)
        for run in runs:
            replay_run(run, drafter, cost)


class Regression:
    """Log loss of hits on buckets of evidence, with a ridge on the weights."""

    def __init__(self, kinds: Sequence[Sequence[int]], hits: Sequence[bool], ridge: float = RIDGE) -> None:
        """kinds[i]: the buckets of trial i. ``ridge`` / 2 times the squared weights are added to the loss."""
        # Rows differ in length: they are filled up with one bucket more, whose weight is always 0.
        self._kinds = np.full((len(kinds), max(map(len, kinds), default=0)), evidence.TOTAL)
        for row, kind in zip(self._kinds, kinds, strict=True):
            row[: len(kind)] = kind
        self._hits = np.asarray(hits, dtype=np.float64)
        self._ridge = ridge

    def trials(self) -> Weights:
        """Of each bucket, shape (evidence.TOTAL,)."""
        return self._by_bucket(np.ones(len(self._hits)))

    def fit(self) -> Weights:
        """Weights of the least loss, shape (evidence.TOTAL,), by Newton's method with halved steps."""
        weights, before = np.zeros(evidence.TOTAL), np.inf
        while (now := self._loss(weights)) < before - 1e-6 * now:
            before = now
            step, length = self._newton_step(weights), 1.0
            while self._loss(weights - length * step) > now and length > 1e-6:
                length /= 2
            weights = weights - length * step
        return weights

    def _newton_step(self, weights: Weights) -> Weights:
        """Hessian^-1 gradient by conjugate gradients, scaled with the diagonal: the Hessian itself is never built."""
        expected = 1 / (1 + np.exp(-self._scores(weights)))
        gradient = self._by_bucket(expected - self._hits) + self._ridge * weights
        curvature = expected * (1 - expected)
        scale = 1 / (self._by_bucket(curvature) + self._ridge)
        step, rest = np.zeros_like(weights), gradient
        direction = scaled = scale * rest
        enough = 1e-6 * (rest @ scaled)
        while (size := rest @ scaled) > enough:
            bent = self._by_bucket(curvature * self._scores(direction)) + self._ridge * direction
            length = size / (direction @ bent)
            step = step + length * direction
            rest = rest - length * bent
            scaled = scale * rest
            direction = scaled + (rest @ scaled) / size * direction
        return step

    def _loss(self, weights: Weights) -> float:
        scores = self._scores(weights)
        surprise = np.logaddexp(0, np.where(self._hits > 0, -scores, scores)).sum()
        return float(surprise + self._ridge / 2 * (weights @ weights))

    def _scores(self, weights: Weights) -> Weights:
        scores: Weights = np.append(weights, 0.0)[self._kinds].sum(axis=1)
        return scores

    def _by_bucket(self, per_trial: Weights) -> Weights:
        spread = np.repeat(per_trial, self._kinds.shape[1])
        return np.bincount(self._kinds.ravel(), spread, evidence.TOTAL + 1)[: evidence.TOTAL].astype(np.float64)


def priors(trials: Trials) -> str:
    """What ``Calibration.loads`` reads, fitted to ``trials``."""
    regression = Regression(trials.kinds, trials.hits)
    weights, n = regression.fit(), regression.trials()
    hits, tries = trials.sure_hits, trials.sure_tries
    kept = np.minimum(1.0, MOST_SURE_TRIES / np.maximum(tries, 1))
    hits, tries = hits * kept, tries * kept
    for borrower, lender in BORROWED.items():
        for start, size in (
            (evidence.MATCH, evidence.LENGTHS * evidence.VOTES),
            (evidence.RECENT, evidence.COARSE * evidence.RATES),
        ):
            to, of = (slice(start + s * size, start + (s + 1) * size) for s in (borrower, lender))
            weights[to], n[to] = weights[of], np.minimum(n[of], BORROWED_TRIALS)
        size = evidence.SURE_KINDS // evidence.SOURCES
        to, of = (slice(s * size, (s + 1) * size) for s in (borrower, lender))
        kept = np.minimum(1.0, BORROWED_TRIES / np.maximum(tries[of], 1))
        hits[to], tries[to] = hits[of] * kept, tries[of] * kept
    size = evidence.CORE_FAMILIES * evidence.FAMILY_SIZE
    of, to = (slice(evidence.LEVEL + i * size, evidence.LEVEL + (i + 1) * size) for i in range(2))
    weights[to], n[to] = weights[of], np.minimum(n[of], BORROWED_LEVEL_TRIALS)
    return json.dumps(
        {
            "weights": weights.round(2).tolist(),
            "trials": np.minimum(n, MOST_TRUSTED).astype(int).tolist(),
            "sure_hits": hits.round(1).tolist(),
            "sure_tries": tries.round(1).tolist(),
        },
        separators=(",", ":"),
    )


def main() -> None:
    """Parses the command line, fits and writes."""
    parser = argparse.ArgumentParser(description="fit the shipped calibration to recorded runs")
    parser.add_argument("out", type=Path)
    parser.add_argument("traces", type=Path, nargs="+")
    given = parser.parse_args()
    trials = Trials()
    for trace in given.traces:
        trials.watch(read_trace(trace))
        print(f"{trace.name}: {len(trials.hits):,} trials so far", file=sys.stderr)
    given.out.write_text(priors(trials), encoding="utf-8")


if __name__ == "__main__":
    main()
