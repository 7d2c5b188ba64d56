"""Prompt lookup decoding: the last n-gram found again in the context, and what followed it there."""

from collections.abc import Sequence

from spectra_local.speculation.interface import DraftTree, TopK
from spectra_local.speculation.rivals.shapes import chain

LONGEST_NGRAM = 3  # both as in Saxena's reference code
DRAFT_LENGTH = 10


class PromptLookup:
    """Apoorv Saxena, "Prompt Lookup Decoding" (2023), https://github.com/apoorvumang/prompt-lookup-decoding.

    The n-gram at the end is searched from n = 3 down to 1; the earliest place that has a continuation wins, and its
    next 10 tokens are one chain. The reference scans the text; an index of first places gives the same answer.
    """

    name = "prompt_lookup"

    def __init__(self, longest: int = LONGEST_NGRAM, length: int = DRAFT_LENGTH) -> None:
        self._longest, self._length = longest, length
        self.begin(())

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._tokens: list[int] = []
        self._first: dict[tuple[int, ...], int] = {}  # n-gram -> position after its first occurrence
        for token in prompt:
            self._push(token)

    def _push(self, token: int) -> None:
        self._tokens.append(token)
        end = len(self._tokens)
        for n in range(1, min(self._longest, end) + 1):
            self._first.setdefault(tuple(self._tokens[end - n :]), end)

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter."""
        tokens = self._tokens
        for n in range(min(self._longest, len(tokens)), 0, -1):
            at = self._first[tuple(tokens[-n:])]
            if at < len(tokens):
                return chain(tokens[at : at + self._length], self.name, budget)
        return DraftTree()

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        for token in accepted:
            self._push(token)

    def end(self) -> None:
        """Ends the request; see Drafter."""
