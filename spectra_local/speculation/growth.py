"""How large a draft may be: the prefix of best-first order that pays, and never a risk beyond the bankroll.

Knows path probabilities and the cost curve, not tokens.
"""

from spectra_local.speculation.cost import CostCurve


class Bankroll:
    """Keeps an answer from ending far behind plain decoding, however wrong the probabilities are.

    ``lead`` is what the request has gained so far, in decodes of one token. A draft whose failure would cost more
    than the lead plus a small allowance is taken only as far as its chance of failing is small.
    """

    SHARE = 0.04  # of an answer's plain cost that may be lost
    GRACE = 20  # tokens: the shortest answer for which the share is meant

    def __init__(self) -> None:
        self.lead = 0.0
        self.tokens = 0

    def settle(self, tokens: int, cost: float) -> None:
        """One verified step: tokens it brought, and its relative cost."""
        self.lead += tokens - cost
        self.tokens += tokens

    @property
    def at_risk(self) -> float:
        """The expected loss that the next draft may have."""
        return max(0.0, self.lead + self.SHARE * max(self.GRACE, self.tokens))


def best_size(chances: list[float], cost: CostCurve, bankroll: Bankroll, budget: int) -> int:
    """How many of the nodes, whose path probabilities ``chances`` are falling, to verify.

    Maximises (1 + sum of chances) / cost(1 + n) over all n (Sequoia's criterion, on the measured staircase); 0 is
    always among them.
    """
    relative, at_risk = cost.relative, bankroll.at_risk
    best, size, expected = 1.0, 0, 1.0
    for n, chance in enumerate(chances[:budget], 1):
        expected += chance
        price = relative[n + 1]
        if expected > best * price:
            loss = price - 1.0
            # The draft breaks even where about ``loss`` of its nodes come true.
            if loss * (1.0 - chances[min(n, int(loss + 0.999)) - 1]) <= at_risk:
                best, size = expected / price, n
    return size
