"""Keeps an answer from ending far behind plain decoding, however wrong the probabilities are.

Knows what drafts cost and what came of them, also of those it forbade. Costs are in decodes of one token.
"""

from collections.abc import Callable, Sequence

from spectra_local.speculation.interface import ROOT

# Tried on recorded runs of three models under four cost curves. Without a bankroll they are as fast, but single answers
# fall to 0.90 of plain; with one that forgives nothing, a loss in the first tokens ended drafting for the next thirty.
MOST_LOST = 0.07  # share of an answer's plain cost that a run of bad luck may lose
SHORTEST = 20  # tokens of the shortest answer for which that share is meant

Child = Callable[[int, int], "int | None"]  # the node that a token leads to from a node, where it was drafted


class Bankroll:
    """What a request has gained so far, and what it may therefore lose with its next draft."""

    def __init__(self) -> None:
        self._lead = 0.0
        self._tokens = 0
        self._credit = 0.0  # of drafts that were withheld and would have paid
        self._withheld: _Withheld | None = None

    @property
    def at_risk(self) -> float:
        """What the next draft may be expected to lose where it fails."""
        return max(0.0, self._lead + self._credit + MOST_LOST * max(SHORTEST, self._tokens))

    def withhold(self, child: Child, size: int, cost: float) -> None:
        """A draft of ``size`` nodes is not taken for want of a lead; it is followed, where no other still is."""
        if self._withheld is None:
            self._withheld = _Withheld(child, size, cost)

    def settle(self, accepted: Sequence[int], cost: float) -> None:
        """One verified step: the tokens it brought, and its cost."""
        self._lead += len(accepted) - cost
        self._tokens += len(accepted)
        if self._withheld and self._withheld.ends_with(accepted):
            self._credit = max(0.0, self._credit + self._withheld.gain)
            self._withheld = None


class _Withheld:
    """A draft that was not verified, compared with the tokens that come."""

    def __init__(self, child: Child, size: int, cost: float) -> None:
        self._child, self._size, self._node = child, size, ROOT
        self.gain = 1.0 - cost  # the step's own token is there in any case

    def ends_with(self, accepted: Sequence[int]) -> bool:
        """Takes the next tokens; True where they leave the draft: then ``gain`` is what it would have brought."""
        for token in accepted:
            child = self._child(self._node, token)
            if child is None or child >= self._size:
                return True
            self._node = child
            self.gain += 1.0
        return False
