"""The staircase of this model on this device: measured at first load, refined by every real decode.

A curve is trusted or doubted. One that was measured on a busy machine is doubted: a likely curve takes its place,
scaled by what real decodes take, until there are enough of them. A trusted one whose prices keep drafts from being
decoded is tried now and then: otherwise a wrong price would stay for want of a decode that corrects it.

Knows widths and durations; what a decode is, it is told by a function.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median, median_low

import numpy as np

from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.staircase import is_steady

_BAND_EDGES = (1024, 4096, 16384)  # tokens of context: attention makes wide decodes dearer as it grows
_RECENT = 9  # decodes of one width that the median is taken over
_REFINE_EVERY = 32  # decodes
_JUST_BEFORE = 2  # decodes within which one of 1 must lie: with older ones prices were off by 11 %, so by 9
_MOST_CORRECTION = 2.0  # of a measured value, up or down; what decodes of one width take beyond it, doubts the curve

# What a pass takes in passes over one token where nothing is known: between an AVX-512 and an AMX machine's (1.5B Q4_K
# 6.3 and 2.5 at 8 tokens, Q4_0 4.7; 7.6, 3.4 and 6.3 at 16), since a price too high would keep itself.
_LIKELY = {1: 1.0, 2: 1.5, 4: 2.2, 8: 3.5, 16: 6.0, 32: 10.0, 64: 18.0, 128: 36.0}
_BELIEVED = 2  # decodes of a width before a doubted curve follows them
_TRUSTED_AFTER = 8  # wide decodes on a machine whose decodes of one token vary little
_FIRST_TRIAL, _LAST_TRIAL = 128, 2048  # decodes of one token in a row after which a dear curve is tried; each time
# that finds it right doubles them: a trial that fails costs some three decodes
_WIDEST_TRIAL = 8
_WORTH_KEEPING = 32  # decodes of one token in a row, which count towards a trial in the next process too
_RIGHT = 1.3  # a trial that took so much less than its price makes the curve a doubted one


@dataclass(frozen=True, slots=True)
class Belief:
    """What a curve is worth, kept with it."""

    trusted: bool = True
    interval: int = _FIRST_TRIAL  # decodes of one token in a row after which it is tried
    quiet: int = 0  # of those so far
    # Of a doubted one what decodes took, in passes over one token, by width.
    observed: Mapping[int, Sequence[float]] = field(default_factory=dict)


class MeasuredCost(CostCurve):
    """A cost curve that follows the machine it runs on."""

    def __init__(self, points: Mapping[int, float], widest: int, belief: Belief | None = None) -> None:
        """``points``: width -> seconds, 1 among them; wider decodes are priced by their mean slope."""
        super().__init__(_extended(points, widest))
        belief = belief or Belief()
        self.one_s = points[1]
        self.trusted = belief.trusted
        self.corrected = False  # by decodes, since it was made
        self._interval = belief.interval
        self._quiet = min(belief.quiet, belief.interval - 1)  # decodes of one token in a row
        self._widest = widest
        self._base(points)
        self._recent: dict[int, deque[float]] = {}  # of 1 seconds, of other widths multiples of that
        self._seen_since: set[int] = set()  # the last refinement
        self._read: dict[int, list[float]] = {}  # seconds by width of a prompt's passes, not priced yet
        self._beyond: dict[int, deque[float]] = {}  # multiples of one decode of 1, of widths that were not measured
        self._band = 0
        self._n_seen = 0
        self._since_one = 0  # decodes
        if not self.trusted:
            self._recent = {w: deque(seen, _RECENT) for w, seen in belief.observed.items() if 1 < w <= widest}
            self._follow()

    def _base(self, points: Mapping[int, float]) -> None:
        self._measured = {width: cost for width, cost in points.items() if width <= self._widest}
        self._guessed_from = max(self._measured)  # wider ones have a price that nobody measured
        self._bands = [list(self.relative) for _ in range(len(_BAND_EDGES) + 1)]

    @property
    def belief(self) -> Belief:
        """To be kept with ``points``."""
        observed = {} if self.trusted else {w: list(seen) for w, seen in self._recent.items() if w > 1}
        return Belief(self.trusted, self._interval, self._quiet, observed)

    @property
    def changed(self) -> bool:
        """Whether it is worth writing to the disk again."""
        return self.corrected or (self.trusted and self._quiet >= _WORTH_KEEPING)

    def observe(self, width: int, seconds: float, n_past: int) -> None:
        """One real decode of ``width`` tokens after ``n_past``."""
        band = bisect_right(_BAND_EDGES, n_past)
        if band != self._band:
            self._band = band
            self._recent.clear()
            self._reprice_band()
        self._note(width, seconds)
        if width > 1:
            self._judge(width)
        else:
            self._quiet += 1
            if self._quiet == self._interval and self.trusted:
                self.reprice(self._for_trial())
        if self.trusted and width > self._guessed_from and self._since_one <= _JUST_BEFORE:
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

    def _reprice_band(self) -> None:
        if self.trusted:
            self.reprice(self._bands[self._band])
        else:
            self._follow()

    # --- doubt -------------------------------------------------------------------------------------------------

    def _for_trial(self) -> list[float]:
        """The prices at which a draft is tried that the curve's own would keep from being decoded."""
        own = self._bands[self._band]
        likely = _likely(self.max_width)
        return [
            min(pair) if width <= _WIDEST_TRIAL else pair[0] for width, pair in enumerate(zip(own, likely, strict=True))
        ]

    def _judge(self, width: int) -> None:
        """After a wide decode: what it says of the curve."""
        tried, self._quiet = self._quiet >= self._interval, 0
        if not self.trusted:
            self.corrected = True
            self._follow()
        elif tried:
            self.corrected = True
            seen, price = self._recent.get(width), self._bands[self._band][width]
            if seen and seen[-1] * _RIGHT < price:
                self._doubt()
            else:
                self._interval = min(2 * self._interval, _LAST_TRIAL)
                self._reprice_band()

    def _doubt(self) -> None:
        self.trusted, self.corrected = False, True
        self._follow()

    def _follow(self) -> None:
        """Prices a doubted curve: the likely one, scaled by what decodes of the widths nearest to each took."""
        likely = _likely(self.max_width)
        known = {w: median(seen) for w, seen in self._recent.items() if w > 1 and len(seen) >= _BELIEVED}
        widths = sorted(w for w in known if w <= self.max_width)
        if widths:
            scales = [max(0.01, known[w] - 1.0) / (likely[w] - 1.0) for w in widths]
            scale = np.interp(range(2, self.max_width + 1), widths, scales)
            likely = [0.0, 1.0, *(1.0 + scale * (np.array(likely[2:]) - 1.0)).tolist()]
        self.reprice(likely)
        ones = self._recent.get(1, ())
        if sum(len(self._recent[w]) for w in widths) >= _TRUSTED_AFTER and len(ones) == _RECENT and is_steady(ones):
            self._trust(median(ones))

    def _trust(self, one_s: float) -> None:
        """Decodes have told enough: what they took is the curve from now on."""
        self.trusted, self._interval = True, _FIRST_TRIAL
        self.one_s = one_s
        self.points = {w: one_s * self.relative[w] for w in (*_LIKELY, self.max_width) if w <= self.max_width}
        self._base(self.points)

    # --- trusted prices ----------------------------------------------------------------------------------------

    def observe_prefill(self, width: int, seconds: float) -> None:
        """One pass over ``width`` tokens of a prompt, ``seconds`` being what it takes with the logits of all of them.

        Prompts are read in wide passes anyway: what there was no time to measure costs nothing to learn there. It
        counts once the answer shows what one token takes at the time.
        """
        if 1 < width <= self._widest and (width > self._guessed_from or not self.trusted):
            self._read.setdefault(width, []).append(seconds)

    def _price_read(self) -> None:
        read, self._read = self._read, {}
        for width, seconds in read.items():
            if self.trusted:
                self._measure_beyond(width, median(seconds))
            else:
                multiples = [each / median(self._recent[1]) for each in seconds]
                self._recent.setdefault(width, deque(maxlen=_RECENT)).extend(multiples)
        if not self.trusted:
            self._follow()

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
        if not self.trusted:
            return
        base = _relative(self.points, self.max_width)
        factors = {w: cost / base[w] for w, cost in known.items() if w <= self.max_width}
        if any(not 1 / _MOST_CORRECTION <= factor <= _MOST_CORRECTION for factor in factors.values()):
            self._doubt()
            return
        widths = sorted(factors)
        factor = np.interp(range(2, self.max_width + 1), widths, [factors[width] for width in widths])
        self._bands[self._band] = [0.0, 1.0, *(factor * base[2:]).tolist()]
        self.reprice(self._for_trial() if self._quiet >= self._interval else self._bands[self._band])

    def _forget_unseen(self) -> None:
        """A width that does not seem to pay is decoded no more, so what made it dear would stay: it fades instead."""
        for width, costs in self._recent.items():
            if width > 1 and width not in self._seen_since and costs:
                costs.popleft()
        self._seen_since.clear()


@lru_cache(maxsize=4)
def _likely(widest: int) -> list[float]:
    return _relative(_extended(_LIKELY, widest), widest)


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
