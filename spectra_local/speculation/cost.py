"""What one decode of k tokens costs on this model and device, relative to k = 1. Knows only widths and durations.

The curve is a staircase, different for every model, quantisation and device (8 tokens can cost 1.5 times 7, 16 less
than 15), so it is measured, never assumed; between measured widths it is linear.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf

import numpy as np

LOOK_AHEAD = 16  # widths: a stair is at most that wide on the devices measured


class CostCurve:
    """Relative costs by width: ``relative[k]`` for 1 <= k <= ``max_width``; ``relative[0]`` is unused and 0.

    ``floor[n]`` is the least cost a further node of a draft of n nodes has, over the next ``LOOK_AHEAD`` widths: with
    r tokens per unit cost so far, a node below the probability r * floor[n] does not pay, nor do those after it.
    """

    one_s = inf  # seconds of a decode of one token; as long as it is not known, drafting counts as free

    def __init__(self, points: Mapping[int, float]) -> None:
        """``points``: width -> cost, in any unit. Raises ValueError unless they hold width 1 and costs above 0."""
        if points.get(1, 0.0) <= 0.0 or min(points.values()) <= 0.0 or min(points) < 1:
            raise ValueError("a cost curve needs widths from 1 on and costs above zero")
        self.points = dict(sorted(points.items()))
        self.reprice(_interpolate(list(self.points.items())))

    def reprice(self, relative: list[float]) -> None:
        """Prices by other relative costs from now on."""
        self.relative = relative
        self.floor = _floor(relative)

    @classmethod
    def of(cls, costs: "CostCurve | Sequence[float]") -> "CostCurve":
        """Takes a curve as it is, or a list whose item i is the cost of width i + 1."""
        return costs if isinstance(costs, CostCurve) else cls({i + 1: cost for i, cost in enumerate(costs)})

    @property
    def max_width(self) -> int:
        """The widest decode that has a price."""
        return len(self.relative) - 1


def _interpolate(points: list[tuple[int, float]]) -> list[float]:
    unit = points[0][1]
    relative = [0.0, 1.0]
    for (low, low_cost), (high, high_cost) in pairwise(points):
        slope = (high_cost - low_cost) / (high - low)
        relative.extend((low_cost + slope * (k - low)) / unit for k in range(low + 1, high + 1))
    return relative


def _floor(relative: list[float]) -> list[float]:
    costs = np.array(relative[1:])
    floor = np.full(max(0, len(costs) - 1), np.inf)
    for k in range(1, min(LOOK_AHEAD, len(costs) - 1) + 1):
        np.minimum(floor[: len(costs) - k], (costs[k:] - costs[:-k]) / k, out=floor[: len(costs) - k])
    return [*floor.tolist(), 1.0]
