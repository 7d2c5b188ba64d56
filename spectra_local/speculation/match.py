"""Longest-match pointers: where the end of the context was seen before, and what followed there.

Works on token ids. Knows nothing of probabilities or trees. Following pointers instead of looking n-grams up again
is what suffix automata do (SAM decoding, SuffixDecoding); a pointer's match grows by one with every token that agrees.
"""

from collections.abc import Sequence
from typing import NamedTuple

from spectra_local.protocol import Source

TOKEN_BITS = 21  # vocabularies reach 262 k; 2^21 leaves room and packs three ids into one integer
COPYING = 8  # tokens of match from which the text is being copied
MOST_POINTERS = 12  # live at once; each is read at every node that is weighed
# Where a pointer reads. The answer is the part of the context that the model wrote itself; history is told apart by who
# wrote it: the model in earlier answers, the user, or somebody else whose history was imported; a corpus is text that
# nobody said here. An earlier answer to this very prompt is evidence of its own, from the first token on.
SOURCES = (Source.CONTEXT, Source.HISTORY, Source.PREDICTION, Source.CONTEXT, Source.HISTORY, Source.IMPORT,
           Source.CORPUS, Source.HISTORY)  # fmt: skip
CONTEXT, HISTORY, PREDICTION, ANSWER, ASKED, IMPORT, CORPUS, AGAIN = range(len(SOURCES))
FOREIGN = frozenset({IMPORT, CORPUS})


class Pointer(NamedTuple):
    """A place to read on from. Where ``tokens`` end, a pointer with ``wrap`` >= 0 goes on there: the text repeats."""

    length: int  # tokens before ``at`` that equal the end of the context
    source: int
    tokens: Sequence[int]
    at: int
    wrap: int

    def token(self, steps: int) -> int:
        """The token ``steps`` further on, -1 beyond the end."""
        at = self.at + steps
        over = at - len(self.tokens)
        if over < 0:
            return self.tokens[at]
        return -1 if self.wrap < 0 else self.tokens[self.wrap + over % (len(self.tokens) - self.wrap)]

    def run(self, steps: int, count: int) -> list[int]:
        """At most ``count`` tokens from ``steps`` further on."""
        at, tokens = self.at + steps, self.tokens
        found = list(tokens[at : at + count])
        if len(found) < count and self.wrap >= 0:
            period = len(tokens) - self.wrap
            over = max(0, at - len(tokens))
            while len(found) < count:
                found.append(tokens[self.wrap + over % period])
                over += 1
        return found


def without_outdone_foreign(pointers: list[Pointer]) -> list[Pointer]:
    """Text from elsewhere is backed off to: it has no say where the user's own agrees as far or further."""
    if all(pointer.source not in FOREIGN for pointer in pointers):
        return pointers
    own = max((pointer.length for pointer in pointers if pointer.source not in FOREIGN), default=0)
    return [pointer for pointer in pointers if pointer.source not in FOREIGN or pointer.length > own]


class ContextMatcher:
    """All places in one growing text that agree with its end over ``shortest`` tokens or more.

    Every ``push`` keeps the pointers that foresaw the token, so a match is never measured backwards.
    """

    def __init__(self, shortest: int = 2, newest: int = 6) -> None:
        """``shortest``: tokens a match must have; ``newest``: fresh pointers taken in a push, latest places first."""
        self.tokens: list[int] = []
        self._places: list[tuple[int, int]] = []  # (length, position of the token that followed)
        self.copied_to = 0  # the place after the last token of a copy, 0 before the first
        self._shortest = shortest
        self._newest = newest
        self._mask = (1 << (TOKEN_BITS * shortest)) - 1
        self._key = 0
        self._last: dict[int, int] = {}  # packed n-gram -> position after its latest occurrence
        self._before: list[int] = [0]  # position -> the one before it after the same n-gram, 0: none

    def push(self, token: int) -> None:
        """Appends one token and moves every pointer on."""
        tokens = self.tokens
        alive = [(length + 1, at + 1) for length, at in self._places if tokens[at] == token]
        if alive:
            length, at = max(alive)
            if length > COPYING:
                self.copied_to = at
        tokens.append(token)
        end = len(tokens)
        self._key = key = (self._key << TOKEN_BITS | token) & self._mask
        if end < self._shortest:
            self._before.append(0)
            return
        at = self._last.get(key, 0)
        self._before.append(at)
        self._last[key] = end
        if at:
            known = {position for _, position in alive}
            fresh = min(self._newest, MOST_POINTERS - len(alive))
            while at and fresh > 0:
                if at not in known:
                    alive.append((self._shortest, at))
                    fresh -= 1
                at = self._before[at]
        self._places = alive

    @property
    def longest(self) -> int:
        """Tokens of the longest match there is, 0: none."""
        return max(self._places)[0] if self._places else 0

    def pointers(self, prompt: int) -> list[Pointer]:
        """The live ones; those beyond the first ``prompt`` tokens point into the answer."""
        tokens = self.tokens
        return [Pointer(length, ANSWER if at > prompt else CONTEXT, tokens, at, at) for length, at in self._places]
