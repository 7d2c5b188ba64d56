"""Lookahead decoding's N-gram pool: by their first token, the latest N-grams that the model itself wrote."""

from collections.abc import Sequence

from spectra_local.speculation.interface import DraftTree, TopK
from spectra_local.speculation.rivals.shapes import merged

NGRAM = 7  # N; the paper's W = 5, N = 7, G = 7 for smaller devices
GUESSES = 7  # G


class Lookahead:
    """Fu, Bailis, Stoica, Zhang, "Break the Sequential Dependency of LLM Inference Using Lookahead Decoding"
    (ICML 2024).

    Every N-gram goes into a pool under its first token, at most G there, the least recently used dropped; the pool's
    entry for the last token is verified as one tree. Only this half is modelled: N-grams come from the prompt
    (POOL_FROM_PROMPT) and from accepted tokens. The other half, the Jacobi window, evaluates W x (N - 1) more tokens
    in every pass to make N-grams that were never written; a drafter cannot ask the model for that. So neither its
    N-grams (against Lookahead) nor their cost (in its favour: on a CPU by far the larger) are counted.
    """

    name = "lookahead"

    def __init__(self, ngram: int = NGRAM, guesses: int = GUESSES) -> None:
        self._ngram, self._guesses = ngram, guesses
        self.begin(())

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._tokens: list[int] = []
        self._pool: dict[int, dict[tuple[int, ...], None]] = {}  # first token -> the rest, oldest first
        for token in prompt:
            self._push(token)

    def _push(self, token: int) -> None:
        self._tokens.append(token)
        if len(self._tokens) < self._ngram:
            return
        first, *rest = self._tokens[-self._ngram :]
        known = self._pool.setdefault(first, {})
        known.pop(tuple(rest), None)
        known[tuple(rest)] = None
        if len(known) > self._guesses:
            del known[next(iter(known))]

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter."""
        known = self._pool.get(self._tokens[-1], {}) if self._tokens else {}
        return merged(reversed(known), self.name, budget)

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        for token in accepted:
            self._push(token)

    def end(self) -> None:
        """Ends the request; see Drafter."""
