"""How large a draft may be: the prefix of best-first order that pays, and never a risk beyond the bankroll.

Knows path probabilities and the cost curve, not tokens.
"""

from spectra_local.speculation.cost import CostCurve

# Tried on six pairs of recorded model and cost curve, each with weights learned on the other models. Differences
# between near values are within a per cent, which is noise there.
MOST_LOST = 0.035  # share of an answer's plain cost that a run of bad luck may lose
SHORTEST = 20  # tokens of the shortest answer for which that share is meant
MOST_TRUSTED = 0.8  # chance of breaking even that is believed at most when the loss is weighed
NEARLY_SURE = 0.9  # but above this it is taken as it is: text seen before is drafted whole from the first token
MARGIN = 0.1  # of a draft's extra cost, by which its expected gain must exceed plain decoding


class Bankroll:
    """Keeps an answer from ending far behind plain decoding, however wrong the probabilities are.

    ``lead`` is what the request has gained so far, in decodes of one token. Where a draft's failure would cost more
    than the lead plus a small allowance, it is not taken.
    """

    def __init__(self) -> None:
        self.lead = 0.0
        self.tokens = 0

    def settle(self, tokens: int, cost: float) -> None:
        """One verified step: tokens it brought, and its relative cost."""
        self.lead += tokens - cost
        self.tokens += tokens

    @property
    def at_risk(self) -> float:
        """What the next draft may be expected to lose where it fails."""
        return max(0.0, self.lead + MOST_LOST * max(SHORTEST, self.tokens))


def best_size(chances: list[float], cost: CostCurve, bankroll: Bankroll) -> int:
    """How many of the nodes, whose path probabilities ``chances`` are falling, to verify.

    Maximises (1 + sum of chances) / cost(1 + n) over all n (Sequoia's criterion, on the measured staircase); 0 is
    always among them.
    """
    relative, at_risk = cost.relative, bankroll.at_risk
    best, size, expected = 1.0, 0, 1.0
    for n, chance in enumerate(chances, 1):
        expected += chance
        price = relative[n + 1]
        extra = price - 1.0
        if expected <= best * price or expected <= price + MARGIN * extra:
            continue
        # The draft breaks even where about ``extra`` of its nodes come true.
        even = chances[min(n, max(1, int(extra + 0.999))) - 1]
        if extra * (1.0 - (even if even > NEARLY_SURE else min(even, MOST_TRUSTED))) <= at_risk:
            best, size = expected / price, n
    return size
