"""How large a draft may be: the prefix of best-first order that pays, and never a risk beyond what may be lost.

Knows path probabilities and the cost curve, not tokens.
"""

from typing import NamedTuple

from spectra_local.speculation.cost import CostCurve

# Tried on six pairs of recorded model and cost curve, each with weights learned on the other models. Differences
# between near values are within a per cent, which is noise there.
MOST_TRUSTED = 0.8  # chance of breaking even that is believed at most when the loss is weighed
NEARLY_SURE = 0.9  # but above this it is taken as it is: text seen before is drafted whole from the first token
MARGIN = 0.1  # of a draft's extra cost, by which its expected gain must exceed plain decoding


class Size(NamedTuple):
    """How many nodes of a draft to verify."""

    taken: int
    wanted: int  # as many as pay best, whatever they put at risk


def best_size(chances: list[float], cost: CostCurve, at_risk: float) -> Size:
    """How many of the nodes, whose path probabilities ``chances`` are falling, to verify.

    Maximises (1 + sum of chances) / cost(1 + n) over all n (Sequoia's criterion, on the measured staircase); 0 is
    always among them. Taken are those whose failure is expected to cost at most ``at_risk`` decodes of one token.
    """
    relative = cost.relative
    best, taken, best_wanted, wanted, expected = 1.0, 0, 1.0, 0, 1.0
    for n, chance in enumerate(chances, 1):
        expected += chance
        price = relative[n + 1]
        extra = price - 1.0
        if expected <= best * price or expected <= price + MARGIN * extra:
            continue
        if expected > best_wanted * price:
            best_wanted, wanted = expected / price, n
        # The draft breaks even where about ``extra`` of its nodes come true.
        even = chances[min(n, max(1, int(extra + 0.999))) - 1]
        if extra * (1.0 - (even if even > NEARLY_SURE else min(even, MOST_TRUSTED))) <= at_risk:
            best, taken = expected / price, n
    return Size(taken, wanted)
