"""Measures what passes of several widths take, at a model's first load. Knows widths and durations alone."""

import time
from collections.abc import Callable, Mapping, Sequence

# Widths in the order in which they matter. Kernels change at multiples of 4 (CPU), above 8 and at 16 (CUDA, AVX). With
# 1.5B parameters on two cores the time ends soon after 16, whose cost says most of what wider ones will cost.
_WIDTHS = (2, 4, 8, 16, 3, 6, 32, 5, 12, 64, 7, 10, 24, 9, 14, 20, 48, 96, 128)
_MEASURE_SECONDS = 2.5  # of the 3 that a first load may take
_ROUNDS = 5  # a fast device measures each width so often; more changes no decision

_HIGHEST_STAIR = 1.3  # of a width over a wider one; the highest measured so far was 1.22, of 15 over 16
STEADY = 1.5  # upper quartile over the least of the decodes of one token: of a busy machine it is larger
_LEAST_WIDTHS = 3  # of a curve that can be trusted; a model of 8B parameters on two cores has time for no more


def measure(decode: Callable[[int], None], widest: int) -> tuple[dict[int, float], bool]:
    """Seconds by width, from ``decode(width)`` calls for at most 3 s; widths that did not fit in are missing.

    And whether they can be trusted: on a busy machine decodes of one token vary.

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
    return _undisturbed(seconds), len(seconds) > _LEAST_WIDTHS and is_steady(seconds[1])


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


def is_steady(ones: Sequence[float]) -> bool:
    """Whether decodes of one token vary as little as on a quiet machine."""
    ordered = sorted(ones)
    return ordered[3 * len(ordered) // 4] <= STEADY * ordered[0]
