"""Which runs of a long sequence occur often enough to be no one's own. Knows integers, no text.

A suffix array by prefix doubling (Manber and Myers 1990), in numpy. Counting n-grams of one length and joining those
that overlap would not do: a sentence that was written once can consist of n-grams that are all frequent. Here every
run that is returned occurs as a whole.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_BLOCK = 8  # shortest run; runs are compared in steps of this many symbols


class Repeats:
    """Longest frequent run from every position of a sequence."""

    SHORTEST = _BLOCK
    LONGEST = 256  # longer runs are returned in pieces that overlap by half

    def __init__(
        self, symbols: Ints, groups: Ints, least_times: int = 3, progress: Callable[[float], None] = lambda share: None
    ) -> None:
        """``symbols``: (n,) ids below 2**31; a negative one is a wall that no run contains. ``groups``: (n,) where
        each stands; a run must occur in two of them at least, and ``least_times`` (3 or more) in all."""
        assert least_times == 3, "the windows below are of three"
        n = len(symbols)
        walls = symbols < 0
        unique = int(symbols.max(initial=0)) + 1 + np.cumsum(walls)
        self._symbols = np.where(walls, unique, symbols).astype(np.int64)
        self._groups = groups
        self._progress = progress
        order = self._sorted_suffixes(n)
        self.length = np.zeros(n, np.int64)
        if n >= least_times:
            self.length[order] = self._supported(order)
        self.length[self.length < self.SHORTEST] = 0

    def runs(self) -> list[tuple[int, int]]:
        """Distinct places of (start, end), none within the run that begins one position earlier."""
        ends = np.where(self.length > 0, np.arange(len(self.length)) + self.length, 0)
        before = np.concatenate(([0], np.maximum.accumulate(ends)[:-1])) if len(ends) else ends
        capped = np.append(self.length >= self.LONGEST, False)
        found: list[tuple[int, int]] = []
        next_capped = 0
        for start in np.flatnonzero(ends > before).tolist():
            if capped[start] and capped[start + 1]:
                if start < next_capped:
                    continue
                next_capped = start + self.LONGEST // 2
            else:
                next_capped = 0
            found.append((start, int(ends[start])))
        return found

    def _sorted_suffixes(self, n: int) -> Ints:
        """Positions in the order of the texts that begin there, over ``LONGEST`` symbols."""
        rank = np.unique(self._symbols, return_inverse=True)[1].astype(np.int64)
        width = 1
        while width < self.LONGEST:
            self._progress(0.9 * np.log2(width) / np.log2(self.LONGEST))
            key = rank * (n + 1)
            key[: max(0, n - width)] += rank[width:] + 1  # 0: the sequence ends
            rank = np.unique(key, return_inverse=True)[1].astype(np.int64)
            width *= 2
            if width == _BLOCK:
                self._blocks = rank
            if n and int(rank.max()) == n - 1 and width >= _BLOCK:
                break  # all differ already
        return np.argsort(rank, kind="stable")

    def _common(self, order: Ints) -> Ints:
        """(n,) symbols that a suffix shares with the one before it in ``order``; 0 for the first."""
        n = len(order)
        common = np.zeros(n, np.int64)
        left, right = order[:-1], order[1:]
        for values, step in ((self._blocks, _BLOCK), (self._symbols, 1)):
            active = np.arange(n - 1)
            while len(active):
                a, b = left[active] + common[active + 1], right[active] + common[active + 1]
                inside = (np.maximum(a, b) < n) & (common[active + 1] < self.LONGEST)
                active, a, b = active[inside], a[inside], b[inside]
                active = active[values[a] == values[b]]
                common[active + 1] += step
        return np.minimum(common, self.LONGEST)

    def _supported(self, order: Ints) -> Ints:
        """For each place in ``order``, the longest prefix shared by three suffixes of two groups, itself among them.

        The suffixes that share a prefix with one stand around it. Of the windows that hold it, three at least and not
        all of one group, the smallest either begin with it, end with it, or are the three around it.
        """
        common, groups = self._common(order), self._groups[order]
        onward = _window_minimum(common, groups)
        back = np.concatenate(([0], common[:0:-1]))  # the same, read from the end
        backward = _window_minimum(back, groups[::-1])[::-1]
        around = np.zeros_like(common)
        mixed = (groups[:-2] != groups[1:-1]) | (groups[1:-1] != groups[2:])
        around[1:-1] = np.where(mixed, np.minimum(common[1:-1], common[2:]), 0)
        return np.maximum(np.maximum(onward, backward), around)


def _window_minimum(common: Ints, groups: Ints) -> Ints:
    """For each i, the least of common[i+1 .. e], e the first place such that i..e are three, not all of one group."""
    n = len(common)
    change = np.flatnonzero(groups[:-1] != groups[1:]) + 1  # where another group begins
    which = np.searchsorted(change, np.arange(n), side="right")  # index of the next change after i
    end = np.where(which < len(change), np.append(change, n)[which], n)  # n: there is none
    found = np.zeros(n, np.int64)
    short = np.flatnonzero((end == np.arange(n) + 1) & (np.arange(n) + 2 < n))
    found[short] = np.minimum(common[short + 1], common[short + 2])
    # Elsewhere e is the next change: minima from the right within each stretch (i, change], kept apart by an offset.
    reach = np.searchsorted(change, np.arange(n), side="left")  # the stretch that common[i] is part of
    offset = reach * (int(common.max(initial=0)) + 1)
    from_right = np.minimum.accumulate((common + offset)[::-1])[::-1] - offset
    long = np.flatnonzero((end > np.arange(n) + 1) & (end < n))
    found[long] = from_right[long + 1]
    return found
