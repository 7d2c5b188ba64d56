"""How one request has gone so far: running rates that tell an answer that copies from one that does not."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from spectra_local.speculation import evidence as ev
from spectra_local.speculation.interface import TopK

LATELY = 0.1  # weight of the newest outcome
FLOW_TOKENS = 16  # of a step whose confidence counts


@dataclass(slots=True)
class Recent:
    """How guessing went lately in this request, and what the model weighed for its own tokens."""

    guesses: int = 0
    luck: float = 0.5  # how often the best guess came true
    matches: int = 0
    match: list[float] = field(default_factory=lambda: [0.5] * ev.SOURCES)  # the longest match's, by its source
    _: KW_ONLY
    answered: int = 0  # tokens so far
    copied_to: int = 0  # place in the context after the last copied token, 0: none
    flow: float = 0.7  # the model's weight for the tokens it chose
    confidence: float = 0.5  # its weight for the last one
    echo: dict[int, float] = field(default_factory=dict)  # the tokens it did not choose there

    def add_guess(self, hit: bool) -> None:
        """The best guess at a position on the path came true or not."""
        self.guesses += 1
        self.luck += (hit - self.luck) * max(LATELY, 1.0 / (self.guesses + 3))

    def add_match(self, source: int, foreseen: Sequence[int], accepted: Sequence[int]) -> None:
        """The longest match foresaw these tokens; counted up to the first that it did not."""
        rate = self.match[source]
        for guess, token in zip(foreseen, accepted, strict=False):
            self.matches += 1
            rate += ((guess == token) - rate) * max(LATELY, 1.0 / (self.matches + 3))
            if guess != token:
                break
        self.match[source] = rate

    def add_accepted(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """What the model weighed where it chose ``accepted``; ``top`` may hold less, then it is not known."""
        self.answered += len(accepted)
        if len(top) < len(accepted):
            self.echo, self.confidence = {}, 0.5
            return
        for token, (ids, weights) in zip(accepted[:FLOW_TOKENS], top, strict=False):
            weight = min(1.0, weights[0]) if ids and ids[0] == token else 0.0
            self.flow += LATELY * (weight - self.flow)
        last = top[len(accepted) - 1]
        self.echo = dict(zip(last.ids, last.weights, strict=True))
        self.confidence = min(1.0, self.echo.pop(accepted[-1], 0.0))
