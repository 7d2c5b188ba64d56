"""How fast an answer comes, and how fast it would come without guessing. Knows counts and a clock, nothing of a model.

What plain decoding would give is not measured by slowing down: a pass's cost, by the measured curve, says in how many
passes of plain decoding its time would have gone.
"""

from collections import deque

WINDOW_S = 2.0  # that "now" is: shorter, the bursts of accepted guesses make it jump; longer, it is history


class Meter:
    """Tokens per second over the last two seconds."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, int, float]] = deque()  # when, tokens, cost; the first only dates the others
        self._n_tokens = 0
        self._cost = 0.0

    def count(self, now: float, n_tokens: int, cost: float) -> None:
        """A piece of the answer came. The first ends the prefill: its tokens are not counted."""
        self._pieces.append((now, n_tokens, cost))
        if len(self._pieces) > 1:
            self._n_tokens += n_tokens
            self._cost += cost
        while len(self._pieces) > 2 and self._pieces[1][0] < now - WINDOW_S:
            self._pieces.popleft()
            _, old_tokens, old_cost = self._pieces[0]
            self._n_tokens -= old_tokens
            self._cost -= old_cost

    @property
    def rate(self) -> float:
        """Tokens per second, 0 before there is one."""
        seconds = self._pieces[-1][0] - self._pieces[0][0] if self._pieces else 0.0
        return self._n_tokens / seconds if seconds > 0 else 0.0

    @property
    def speedup(self) -> float:
        """Times plain decoding, 0 where the cost is not known."""
        return self._n_tokens / self._cost if self._cost > 1e-6 else 0.0
