"""When guessing is put down for a while: it takes time of its own, and a fast model answering new text earns none back.

Knows gains and durations, not tokens.
"""

LATELY = 1 / 16  # weight of the newest step
FIRST_LOOK = 12  # steps of a request before the first rest: a text seen before shows itself at once
LOOK = 6  # steps awake between two rests
SHORTEST_REST, LONGEST_REST = 8, 64  # steps; each fruitless look doubles the next rest
LEAST_SHARE = 0.01  # of a decode: guessing that takes less is never put down


class Pace:
    """Counts steps awake and at rest. Lives on over requests, as the machine and the user's kind of text do."""

    def __init__(self) -> None:
        self._gain = 0.0  # a step, lately, in decodes of one token, the time for guessing subtracted
        self._share = 0.0  # of a decode that guessing takes, lately
        self._left = FIRST_LOOK  # steps until the next rest, where it is due
        self._resting = 0
        self._rest = SHORTEST_REST

    @property
    def resting(self) -> bool:
        """Whether this step goes without a guess."""
        return self._resting > 0

    def begin(self) -> None:
        """Starts a request: awake, without the last one's luck."""
        self._resting, self._rest = 0, SHORTEST_REST
        self._left, self._gain = FIRST_LOOK, 0.0

    def wake(self) -> None:
        """Something is worth a look before the rest is over."""
        self._resting, self._rest = 0, SHORTEST_REST
        self._left, self._gain = LOOK, 0.0

    def rested(self) -> None:
        """A step without a guess is over."""
        self._resting -= 1
        if not self._resting:
            self._left = LOOK

    def settle(self, gain: float, share: float) -> None:
        """A step with a guess, or a look for one, is over.

        ``gain``: tokens it brought less its cost, in decodes of one token; ``share``: of such a decode that drafting
        and learning took.
        """
        self._share += LATELY * (share - self._share)
        self._gain += LATELY * (gain - share - self._gain)
        self._left -= 1
        if self._gain > 0:
            self._rest = SHORTEST_REST
        elif self._left <= 0 and self._share > LEAST_SHARE:
            self._resting = self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
