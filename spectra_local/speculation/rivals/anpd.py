"""ANPD: count tables of several N-gram orders, updated as the text grows, longest context first."""

from collections import Counter
from collections.abc import Sequence

from spectra_local.speculation.interface import DraftTree, TopK
from spectra_local.speculation.rivals.shapes import chain

ORDER = 3
DRAFT_LENGTH = 6  # ours: the paper's code is not public and its abstract names none


class Anpd:
    """Ou, Chen, Tian, "Lossless Acceleration of LLM via Adaptive N-gram Parallel Decoding" (NAACL 2024).

    Tables for n = 2..N map the last n - 1 tokens to counts of the next. The chain grows token by token: each time
    the longest context that was seen before gives its most frequent successor.
    """

    name = "anpd"

    def __init__(self, order: int = ORDER, length: int = DRAFT_LENGTH) -> None:
        self._order, self._length = order, length
        self.begin(())

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._last: tuple[int, ...] = ()  # the last order - 1 tokens
        self._counts: dict[tuple[int, ...], Counter[int]] = {}
        for token in prompt:
            self._push(token)

    def _push(self, token: int) -> None:
        for start in range(len(self._last)):
            self._counts.setdefault(self._last[start:], Counter())[token] += 1
        self._last = self._shifted(self._last, token)

    def _shifted(self, last: tuple[int, ...], token: int) -> tuple[int, ...]:
        return (*last, token)[1 - self._order :]

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter."""
        drafted: list[int] = []
        last = self._last
        while len(drafted) < self._length:
            counts = next((c for start in range(len(last)) if (c := self._counts.get(last[start:]))), None)
            if counts is None:
                break
            token = max(counts, key=counts.__getitem__)
            drafted.append(token)
            last = self._shifted(last, token)
        return chain(drafted, self.name, budget)

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        for token in accepted:
            self._push(token)

    def end(self) -> None:
        """Ends the request; see Drafter."""
