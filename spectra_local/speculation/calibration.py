"""How often guesses with the same evidence came true: learned weights and rates. Knows no tokens.

A guess's probability is the logistic of the sum of its evidence's weights. Each trial moves the weights of the
evidence it had, towards hit or miss (logistic mixing, as in PAQ), so all evidence is calibrated jointly and a source
that only repeats another adds nothing; hits over tries for each combination of evidence would need far more trials.
What the sum is still wrong by is put right by hits over expectations in bins of probability, and sure matches, which
are drafted as one slice, have plain hits over tries. All of it is shipped (learned on recorded runs), kept per model
and goes on learning.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from math import exp
from typing import Any

from spectra_local.speculation import evidence

FIRST_RATE = 0.3
LEAST_RATE = 0.006
MOST_TRUSTED = 2000.0  # trials a shipped weight counts for at most
STRONGEST = 20.0  # weight that is read from a file

BINS = 20  # of probability, for the correction
BIN_PRIOR = 30.0  # trials that the correction starts with, all as expected
BIN_LIMIT = 400.0  # trials after which a bin is halved: recent beats old
MOST_RAISED = 1.02  # correction upwards; downwards it is free, since over-confidence is what costs
HIGHEST = 0.9995

SURE_LIMIT = 600.0
SHORTEST_RATE = 0.9  # of a sure match before any trial
MOST_UNTRIED = 0.97  # of a length before any trial, however sure the shorter ones: long drafts are dear
SURE_PRIOR = 10.0  # trials that the next shorter length counts for


class Calibration:
    """One weight a bucket of evidence, one correction a bin of probability, one rate a kind of sure match."""

    def __init__(self) -> None:
        self.weights = [0.0] * evidence.TOTAL
        self.trials = [0.0] * evidence.TOTAL
        # Corrections: for the best guess of a node, and for the others.
        self.ratio = [[1.0] * (BINS + 1) for _ in range(2)]
        self._bin_tries = [[BIN_PRIOR] * (BINS + 1) for _ in range(2)]
        self._bin_hits = [[BIN_PRIOR * (i + 0.5) / BINS for i in range(BINS + 1)] for _ in range(2)]
        self._bin_expected = [list(row) for row in self._bin_hits]
        self.sure_rate = [SHORTEST_RATE] * evidence.SURE_KINDS
        self._sure_hits = [0.0] * evidence.SURE_KINDS
        self._sure_tries = [0.0] * evidence.SURE_KINDS

    @classmethod
    def shipped(cls) -> "Calibration":
        """What was learned on recorded runs."""
        return cls.loads(files("spectra_local.speculation").joinpath("priors.json").read_text("utf-8"))

    @classmethod
    def loads(cls, text: str) -> "Calibration":
        """Reads what ``dumps`` wrote. Raises ValueError where it is damaged or of another layout."""
        loaded = cls()
        try:
            data = json.loads(text)
            loaded.weights = [max(-STRONGEST, min(STRONGEST, w)) for w in _numbers(data["weights"], evidence.TOTAL)]
            loaded.trials = [min(n, MOST_TRUSTED) for n in _numbers(data["trials"], evidence.TOTAL)]
            hits = _numbers(data["sure_hits"], evidence.SURE_KINDS)
            tries = _numbers(data["sure_tries"], evidence.SURE_KINDS)
        except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as exc:
            raise ValueError("not a calibration") from exc
        for kind, (hit, tried) in enumerate(zip(hits, tries, strict=True)):
            if tried > 0.0:
                loaded._set_sure(kind, max(0.0, min(hit, tried)), tried)
        return loaded

    def dumps(self) -> str:
        """Weights and sure rates as JSON. Corrections are not kept: they belong to a session."""
        rounded = {
            "weights": [round(w, 3) for w in self.weights],
            "trials": [round(n) for n in self.trials],
            "sure_hits": [round(n, 1) for n in self._sure_hits],
            "sure_tries": [round(n, 1) for n in self._sure_tries],
        }
        return json.dumps(rounded, separators=(",", ":"))

    def probability(self, kinds: Sequence[int]) -> float:
        """That a guess with this evidence comes true, before correction."""
        weights = self.weights
        return 1.0 / (1.0 + exp(-sum([weights[kind] for kind in kinds])))

    def observe(self, kinds: Sequence[int], rank: int, hit: bool) -> None:
        """One trial of a guess that had this evidence and this rank among its siblings, 0 the best."""
        weights, trials = self.weights, self.trials
        expected = 1.0 / (1.0 + exp(-sum([weights[kind] for kind in kinds])))
        error = (1.0 if hit else 0.0) - expected
        for kind in kinds:
            n = trials[kind] = trials[kind] + 1.0
            rate = FIRST_RATE / n**0.5
            weights[kind] += error * (rate if rate > LEAST_RATE else LEAST_RATE)
        self._correct(1 if rank else 0, int(expected * BINS), expected, hit)

    def _correct(self, row: int, bin_: int, expected: float, hit: bool) -> None:
        tries, hits, sums = self._bin_tries[row], self._bin_hits[row], self._bin_expected[row]
        tries[bin_] += 1.0
        sums[bin_] += expected
        if hit:
            hits[bin_] += 1.0
        ratio = hits[bin_] / sums[bin_]
        self.ratio[row][bin_] = ratio if ratio < MOST_RAISED else MOST_RAISED
        if tries[bin_] > BIN_LIMIT:
            tries[bin_] *= 0.5
            hits[bin_] *= 0.5
            sums[bin_] *= 0.5

    def observe_sure(self, kind: int, hits: int, tries: int) -> None:
        """Several trials of one kind of sure match."""
        scale = 0.5 if self._sure_tries[kind] > SURE_LIMIT else 1.0
        self._set_sure(kind, self._sure_hits[kind] * scale + hits, self._sure_tries[kind] * scale + tries)

    def _set_sure(self, kind: int, hits: float, tries: float) -> None:
        """A young length shrinks to the next shorter one, so a change reaches all longer lengths of its row."""
        self._sure_hits[kind], self._sure_tries[kind] = hits, tries
        row = kind - kind % evidence.LENGTHS
        rate = SHORTEST_RATE if kind == row else self.sure_rate[kind - 1]
        for k in range(kind, row + evidence.LENGTHS):
            rate = (self._sure_hits[k] + min(rate, MOST_UNTRIED) * SURE_PRIOR) / (self._sure_tries[k] + SURE_PRIOR)
            self.sure_rate[k] = min(HIGHEST, rate)


def _numbers(values: Any, count: int) -> list[float]:
    if len(values) != count:
        raise ValueError("a calibration of another layout")
    numbers = [float(value) for value in values]
    if not all(-1e6 < number < 1e9 for number in numbers):
        raise ValueError("a calibration with absurd numbers")
    return numbers
