"""Fits the shipped calibration to recorded runs: ``python -m spectra_local.bench.priors OUT.json TRACE.jsonl.gz...``

Every guess that a drafter weighed in a replay is one trial: the evidence it had, and whether it came true. The weights
are the logistic regression of all trials; it is convex, so the same traces give the same priors. Each trace is
replayed cold, then with its own answers as a growing history, then with everything seen once, so that all sources
have trials. What an earlier answer to the same prompt is worth is fitted after that, on answers that part somewhere;
``--again`` fits nothing else and leaves what is shipped as it is. ``--replay`` with traces that were left out says how
well the result carries over.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectra_local.bench.replay import Run, end_tokens, read_trace, replay_run
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.speculation import evidence
from spectra_local.speculation.calibration import MOST_TRUSTED, Calibration
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.match import AGAIN, ASKED, CONTEXT, CORPUS, HISTORY, IMPORT, PREDICTION

# A device on which width is nearly free: trees grow wide, so that there are trials of unlikely guesses too.
CHEAP_WIDTH = {1: 1.0, 4: 1.25, 16: 2.4, 64: 3.6, 128: 5.2}
NARROW = {1: 1.0, 4: 1.25}  # drafts so short that a text seen before is weighed at every fourth token
RIDGE = 4.0  # penalty on squared weights: 1 to 8 differ by less than .005 of speed on traces left out
MOST_SURE_TRIES = 200.0  # that sure rates are shipped with: a user's own tries soon outweigh them
SAME_TOKENS = 64  # of two answers to one prompt, in the mean, before they part
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

    def watch_again(self, runs: Sequence[Run]) -> None:
        """Replays one trace whose prompts were all asked before, with drafts from the first token on, and from the
        second: the first one of a prompt that had to be read is there without a draft."""
        cost = CostCurve(NARROW)
        drafter = SpectraDrafter(cost, [_asked_before(runs)], calibration=self, ends=end_tokens(runs))
        for first_is_free in (True, False):
            for run in runs:
                replay_run(run, drafter, cost, first_is_free=first_is_free)


def _asked_before(runs: Sequence[Run]) -> MemoryHistory:
    """The same prompts, asked once to three times, with answers that part from the recorded ones somewhere: as those of
    a model do that draws, or finds two tokens all but equally likely."""
    history, generator = MemoryHistory(), np.random.default_rng(0)
    for i, run in enumerate(runs):
        for time in range(1 + i % 3):
            other = runs[(i + 1 + time) % len(runs)]
            parted = int(generator.geometric(1 / SAME_TOKENS))
            history.add(run.prompt + run.generated[:parted] + other.generated[parted:])
    return history


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

    def fit(self, start: Weights | None = None, free: NDArray[np.bool_] | None = None) -> Weights:
        """Weights of the least loss, shape (evidence.TOTAL,), by Newton's method with halved steps.

        From ``start``, else 0, of which only those that are ``free`` move.
        """
        weights, before = np.zeros(evidence.TOTAL) if start is None else start, np.inf
        free = np.ones(evidence.TOTAL, bool) if free is None else free
        while (now := self._loss(weights)) < before - 1e-6 * now:
            before = now
            step, length = self._newton_step(weights, free), 1.0
            while self._loss(weights - length * step) > now and length > 1e-6:
                length /= 2
            weights = weights - length * step
        return weights

    def _newton_step(self, weights: Weights, free: NDArray[np.bool_]) -> Weights:
        """Hessian^-1 gradient by conjugate gradients, scaled with the diagonal: the Hessian itself is never built."""
        expected = 1 / (1 + np.exp(-self._scores(weights)))
        gradient = (self._by_bucket(expected - self._hits) + self._ridge * weights) * free
        curvature = expected * (1 - expected)
        scale = 1 / (self._by_bucket(curvature) + self._ridge)
        step, rest = np.zeros_like(weights), gradient
        direction = scaled = scale * rest
        enough = 1e-6 * (rest @ scaled)
        while (size := rest @ scaled) > enough:
            bent = (self._by_bucket(curvature * self._scores(direction)) + self._ridge * direction) * free
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


@dataclass(slots=True)
class Priors:
    """What is shipped: of each bucket its weight and trials, of each kind of sure match its hits and tries."""

    weights: Weights
    trials: Weights
    sure_hits: Weights
    sure_tries: Weights

    @classmethod
    def shipped(cls) -> "Priors":
        """Those that are shipped now."""
        return cls(**{name: np.array(numbers) for name, numbers in json.loads(Calibration.shipped().dumps()).items()})

    @classmethod
    def fitted(cls, trials: Trials) -> "Priors":
        """All of them, fitted to ``trials``."""
        regression = Regression(trials.kinds, trials.hits)
        made = cls(
            regression.fit(), regression.trials(), *_capped(trials.sure_hits, trials.sure_tries, MOST_SURE_TRIES)
        )
        for borrower, lender in BORROWED.items():
            for to, of in zip(_of_source(borrower), _of_source(lender), strict=True):
                made.weights[to], made.trials[to] = made.weights[of], np.minimum(made.trials[of], BORROWED_TRIALS)
            to, of = _sure_of_source(borrower), _sure_of_source(lender)
            lent = _capped(made.sure_hits[of], made.sure_tries[of], BORROWED_TRIES)
            made.sure_hits[to], made.sure_tries[to] = lent
        size = evidence.CORE_FAMILIES * evidence.FAMILY_SIZE
        of, to = (slice(evidence.LEVEL + i * size, evidence.LEVEL + (i + 1) * size) for i in range(2))
        made.weights[to], made.trials[to] = made.weights[of], np.minimum(made.trials[of], BORROWED_LEVEL_TRIALS)
        return made

    def fit_again(self, trials: Trials) -> None:
        """Fits what is known of earlier answers to the same prompt alone to ``trials``."""
        free = np.zeros(evidence.TOTAL, bool)
        matches, recent = _of_source(AGAIN)
        free[matches] = free[recent] = True
        regression, sure = Regression(trials.kinds, trials.hits), _sure_of_source(AGAIN)
        self.weights = regression.fit(self.weights, free)
        self.trials[free] = np.minimum(regression.trials()[free], BORROWED_TRIALS)  # how often they part is the user's
        for part, shape in ((matches, (evidence.LENGTHS, evidence.VOTES)), (recent, (evidence.COARSE, evidence.RATES))):
            tried = self.trials[part].reshape(shape)
            _fill_untried(self.weights[part].reshape(shape), tried > 0)
        hits, tries = (
            counts.reshape(-1, evidence.LENGTHS).T
            for counts in _capped(trials.sure_hits[sure], trials.sure_tries[sure], BORROWED_TRIES)
        )
        rates = hits / np.maximum(tries, 1)
        _fill_untried(rates, tries > 0)
        kept = np.maximum(tries, np.where(rates > 0, BORROWED_TRIALS, 0)).T.ravel()
        self.sure_hits[sure], self.sure_tries[sure] = rates.T.ravel() * kept, kept

    def dumps(self) -> str:
        """What ``Calibration.loads`` reads."""
        return json.dumps(
            {
                "weights": self.weights.round(2).tolist(),
                "trials": np.minimum(self.trials, MOST_TRUSTED).astype(int).tolist(),
                "sure_hits": self.sure_hits.round(1).tolist(),
                "sure_tries": self.sure_tries.round(1).tolist(),
            },
            separators=(",", ":"),
        )


def _capped(hits: Weights, tries: Weights, most: float) -> tuple[Weights, Weights]:
    kept = np.minimum(1.0, most / np.maximum(tries, 1))
    return hits * kept, tries * kept


def _fill_untried(values: Weights, tried: NDArray[np.bool_]) -> None:
    """Lengths (rows) that no recorded prompt has are worth what the nearest one is that some have, in each column."""
    for column, known in zip(values.T, tried.T, strict=True):
        rows = np.flatnonzero(known)
        if len(rows):
            column[:] = column[[rows[np.abs(rows - row).argmin()] for row in range(len(column))]]


def _of_source(source: int) -> tuple[slice, slice]:
    parts = (
        (evidence.MATCH, evidence.LENGTHS * evidence.VOTES),
        (evidence.RECENT, evidence.COARSE * evidence.RATES),
    )
    matches, recent = (slice(start + source * size, start + (source + 1) * size) for start, size in parts)
    return matches, recent


def _sure_of_source(source: int) -> slice:
    size = evidence.SURE_KINDS // evidence.SOURCES
    return slice(source * size, (source + 1) * size)


def main() -> None:
    """Parses the command line, fits and writes."""
    parser = argparse.ArgumentParser(description="fit the shipped calibration to recorded runs")
    parser.add_argument("out", type=Path)
    parser.add_argument("traces", type=Path, nargs="+")
    parser.add_argument("--again", action="store_true", help="fit earlier answers to the same prompt alone")
    given = parser.parse_args()
    trials, again = Trials(), Trials()
    for trace in given.traces:
        runs = read_trace(trace)
        if not given.again:
            trials.watch(runs)
        again.watch_again(runs)
        print(f"{trace.name}: {len(trials.hits) + len(again.hits):,} trials so far", file=sys.stderr)
    priors = Priors.shipped() if given.again else Priors.fitted(trials)
    priors.fit_again(again)
    given.out.write_text(priors.dumps(), encoding="utf-8")


if __name__ == "__main__":
    main()
