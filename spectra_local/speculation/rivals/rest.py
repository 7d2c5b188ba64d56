"""REST: what followed the end of the context in a datastore of texts, merged by how often it did."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest

from spectra_local.speculation.interface import DraftTree, TopK
from spectra_local.speculation.rivals.shapes import merged

LONGEST_CONTEXT, SHORTEST_CONTEXT = 16, 2
DRAFT_LENGTH = 10
TREE_NODES = 64
MOST_PLACES = 5000  # matches looked at, as in the paper's retriever
_WALL = -1  # stands between texts; equals no token and ends a continuation


class Rest:
    """He, Zhong, Cai, Lee, He, "REST: Retrieval-Based Speculative Decoding" (NAACL 2024).

    The last 16 tokens, then fewer, down to 2, are searched in a suffix array of the datastore; of all continuations
    (10 tokens) found at the longest that occurs, the 64 most frequent beginnings make the tree. The context itself is
    not searched. Without a datastore there is no draft.
    """

    name = "rest"

    def __init__(self, datastore: Iterable[Sequence[int]] = ()) -> None:
        """``datastore``: texts as token ids."""
        self._store: list[int] = []
        for text in datastore:
            self._append(text)
        self._sort()
        self._context: list[int] = []

    def add(self, text: Sequence[int]) -> None:
        """Appends one text to the datastore; sorts it anew, so between requests only."""
        self._append(text)
        self._sort()

    def _append(self, text: Sequence[int]) -> None:
        self._store.extend(text)
        self._store.append(_WALL)

    def _sort(self) -> None:
        store = self._store
        # Suffixes cut to what a search compares: they sort like the whole ones as far as anybody looks.
        self._suffixes = sorted(range(len(store)), key=lambda at: store[at : at + LONGEST_CONTEXT])

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._context = list(prompt)

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter."""
        for n in range(min(LONGEST_CONTEXT, len(self._context)), SHORTEST_CONTEXT - 1, -1):
            places = self._places(self._context[-n:])
            if places:
                return self._tree([self._continuation(at + n) for at in places], budget)
        return DraftTree()

    def _places(self, ngram: list[int]) -> Sequence[int]:
        store, n = self._store, len(ngram)
        low = bisect_left(self._suffixes, ngram, key=lambda at: store[at : at + n])
        high = bisect_right(self._suffixes, ngram, lo=low, key=lambda at: store[at : at + n])
        return self._suffixes[low : min(high, low + MOST_PLACES)]

    def _continuation(self, at: int) -> list[int]:
        tokens = self._store[at : at + DRAFT_LENGTH]
        return tokens[: tokens.index(_WALL)] if _WALL in tokens else tokens

    def _tree(self, continuations: Iterable[Sequence[int]], budget: int) -> DraftTree:
        counts: Counter[tuple[int, ...]] = Counter()
        for tokens in continuations:
            counts.update(tuple(tokens[:n]) for n in range(1, len(tokens) + 1))
        # A beginning is at least as frequent as what extends it; of equals the shorter goes first, so parents do.
        best = nlargest(min(TREE_NODES, budget), counts, key=lambda prefix: (counts[prefix], -len(prefix)))
        return merged(best, self.name, budget)

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns nothing but where the context ends; see Drafter."""
        self._context.extend(accepted)

    def end(self) -> None:
        """Ends the request; see Drafter."""
