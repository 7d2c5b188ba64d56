"""The staircase of this model on this device: measured at first load, refined by every real decode.

Knows widths and durations; what a decode is, it is told by a function.
"""

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median, median_low

import numpy as np

from spectra_local.speculation.cost import CostCurve

# Widths in the order in which they matter. Kernels change at multiples of 4 (CPU), above 8 and at 16 (CUDA, AVX). With
# 1.5B parameters on two cores the time ends soon after 16, whose cost says most of what wider ones will cost.
_WIDTHS = (2, 4, 8, 16, 3, 6, 32, 5, 12, 64, 7, 10, 24, 9, 14, 20, 48, 96, 128)
_MEASURE_SECONDS = 2.5  # of the 3 that a first load may take
_ROUNDS = 5  # a fast device measures each width so often; more changes no decision

_HIGHEST_STAIR = 1.3  # of a width over a wider one; the highest measured so far was 1.22, of 15 over 16

_BAND_EDGES = (1024, 4096, 16384)  # tokens of context: attention makes wide decodes dearer as it grows
_RECENT = 9  # decodes of one width that the median is taken over
_REFINE_EVERY = 32  # decodes
_JUST_BEFORE = 2  # decodes within which one of 1 must lie: with older ones prices were off by 11 %, so by 9
_MOST_CORRECTION = 2.0  # of a measured value, up or down: beyond it the machine is busy, not the curve wrong


def measure(decode: Callable[[int], None], widest: int) -> tuple[dict[int, float], float]:
    """Seconds by width, from ``decode(width)`` calls for at most 3 s; widths that did not fit in are missing.

    And the spread of the decodes of 1: the upper quartile over the least; a busy machine has a large one.

    Each width is followed by a decode of 1: the mix that drafting makes, in which llama.cpp rebuilds its graph.
    """
    started = time.perf_counter()
    seconds: dict[int, list[float]] = {}

    def timed(width: int) -> float:
        before = time.perf_counter()
        decode(width)
        taken = time.perf_counter() - before
        seconds.setdefault(width, []).append(taken)
        return taken

    decode(1)  # the first one allocates
    unit = timed(1)
    for _ in range(_ROUNDS):
        for width in _WIDTHS:
            left = _MEASURE_SECONDS - (time.perf_counter() - started)
            if width <= widest and (width + 1) * unit < left:  # no staircase seen so far was steeper than its width
                timed(width)
                unit = min(unit, timed(1))
    ones = sorted(seconds[1])
    spread = ones[3 * len(ones) // 4] / ones[0] if ones[0] > 0 else 1.0
    return _undisturbed(seconds), spread


def _undisturbed(seconds: Mapping[int, list[float]]) -> dict[int, float]:
    """A low quantile of each width, since a busy machine only ever adds; and none far above that of a wider one.

    A price that one disturbance has made absurd would stay: a width that never pays is never decoded and corrected.
    """
    kept: dict[int, float] = {}
    wider = float("inf")
    for width in sorted(seconds, reverse=True):
        low = sorted(seconds[width])[(len(seconds[width]) - 1) // 5]  # of five the least; 1 has many more
        kept[width] = min(low, _HIGHEST_STAIR * wider)
        wider = min(wider, kept[width])
    return dict(sorted(kept.items()))


class MeasuredCost(CostCurve):
    """A cost curve that follows the machine it runs on."""

    def __init__(self, points: Mapping[int, float], widest: int) -> None:
        """``points``: width -> seconds, 1 among them; wider decodes are priced by their mean slope."""
        super().__init__(_extended(points, widest))
        self.one_s = points[1]
        self._measured = {width: cost for width, cost in points.items() if width <= widest}
        self._widest = widest
        self._guessed_from = max(self._measured)  # wider ones have a price that nobody measured
        self._bands = [list(self.relative) for _ in range(len(_BAND_EDGES) + 1)]
        self._recent: dict[int, deque[float]] = {}  # of 1 seconds, of other widths multiples of that
        self._seen_since: set[int] = set()  # the last refinement
        self._read: dict[int, list[float]] = {}  # seconds by width of a prompt's passes, not priced yet
        self._beyond: dict[int, deque[float]] = {}  # multiples of one decode of 1, of widths that were not measured
        self._band = 0
        self._n_seen = 0
        self._since_one = 0  # decodes

    def observe(self, width: int, seconds: float, n_past: int) -> None:
        """One real decode of ``width`` tokens after ``n_past``."""
        band = bisect_right(_BAND_EDGES, n_past)
        if band != self._band:
            self._band = band
            self._recent.clear()
            self.reprice(self._bands[band])
        self._note(width, seconds)
        if width > self._guessed_from and self._since_one <= _JUST_BEFORE:
            self._measure_beyond(width, seconds)
        self._n_seen += 1
        if self._n_seen % _REFINE_EVERY == 0:
            self._refine()

    def _note(self, width: int, seconds: float) -> None:
        """Keeps a decode of 1 in seconds and a wider one as a multiple of those just before it: a machine's speed may
        change by half within seconds, and what was taken in a slow moment would look dear in a fast one."""
        self._since_one = 0 if width == 1 else self._since_one + 1
        if width > 1:
            self._seen_since.add(width)
            ones = self._recent.get(1)
            if not ones or self._since_one > _JUST_BEFORE:
                return
            seconds /= median(ones)
        recent = self._recent.setdefault(width, deque(maxlen=_RECENT))
        recent.append(seconds)
        if width == 1 and self._read and len(recent) > _RECENT // 2:
            self._price_read()

    def observe_prefill(self, width: int, seconds: float) -> None:
        """One pass over ``width`` tokens of a prompt, ``seconds`` being what it takes with the logits of all of them.

        Prompts are read in wide passes anyway: what there was no time to measure costs nothing to learn there. It
        counts once the answer shows what one token takes at the time.
        """
        if self._guessed_from < width <= self._widest:
            self._read.setdefault(width, []).append(seconds)

    def _price_read(self) -> None:
        for width, seconds in self._read.items():
            self._measure_beyond(width, median(seconds))
        self._read.clear()

    def _measure_beyond(self, width: int, seconds: float) -> None:
        """A width that only had a guessed price: what it took corrects all guesses at once, not after many losses.

        The median, not the least: a decode of 1 that was disturbed makes wide ones look cheap, and a draft of 64 was
        once priced like one of 9.
        """
        ones = self._recent.get(1)
        one = median(ones) if ones else self._measured[1]
        multiples = self._beyond.setdefault(width, deque(maxlen=_RECENT))
        multiples.append(seconds / one)
        self._measured[width] = median_low(multiples) * self._measured[1]
        self.points = dict(sorted(_extended(self._measured, self._widest).items()))
        relative = _relative(self.points, self._widest)
        self._bands = [relative.copy() for _ in self._bands]
        self.reprice(self._bands[self._band])

    def _refine(self) -> None:
        known = {w: median(costs) for w, costs in self._recent.items() if len(costs) > _RECENT // 2}
        if 1 not in known:
            return
        self.one_s, known[1] = known[1], 1.0
        self._forget_unseen()
        base = _relative(self.points, self.max_width)
        factors = {
            w: min(_MOST_CORRECTION, max(1 / _MOST_CORRECTION, cost / base[w]))
            for w, cost in known.items()
            if w <= self.max_width
        }
        widths = sorted(factors)
        factor = np.interp(range(2, self.max_width + 1), widths, [factors[width] for width in widths])
        self._bands[self._band] = [0.0, 1.0, *(factor * base[2:]).tolist()]
        self.reprice(self._bands[self._band])

    def _forget_unseen(self) -> None:
        """A width that does not seem to pay is decoded no more, so what made it dear would stay: it fades instead."""
        for width, costs in self._recent.items():
            if width > 1 and width not in self._seen_since and costs:
                costs.popleft()
        self._seen_since.clear()


def _extended(points: Mapping[int, float], widest: int) -> dict[int, float]:
    """The same points up to ``widest``, by the slope from the first to the last.

    The last two say less: on a staircase, and timed once each, they may lie level or fall, and a draft of 64 would then
    be priced like one of 8 (measured: 0.4 of plain decoding's speed).
    """
    points = {width: cost for width, cost in sorted(points.items()) if width <= widest}
    last = max(points)
    if last < widest:
        slope = (points[last] - points[1]) / (last - 1) if last > 1 else points[1]
        points[widest] = points[last] + max(slope, points[1] / 10) * (widest - last)
    return points


def _relative(points: Mapping[int, float], widest: int) -> list[float]:
    return CostCurve({w: c for w, c in points.items() if w <= widest}).relative
