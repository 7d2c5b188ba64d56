"""SuffixDecoding: a suffix tree of this request, one of earlier answers, and the likeliest subtree below a match."""

from collections.abc import Sequence
from heapq import heappop, heappush

from spectra_local.speculation.interface import ROOT, DraftTree, TopK
from spectra_local.speculation.rivals.suffix_tree import Place, SuffixTree

FACTOR = 1.0  # draft tokens for each token of match
LEAST_PROBABILITY = 0.1  # of a node, along its path
LONGEST_MATCH = 64  # the paper's depth


class SuffixDecoding:
    """Oliaro, Jia, Campos, Qiao, "SuffixDecoding: Extreme Speculative Decoding for Emerging AI Applications"
    (NeurIPS 2025).

    For every match of the context's end, in either tree, nodes are added best first: a node's probability is its
    parent's times its share of the counts beside it. A match of p tokens may draft p (factor 1). The match whose
    probabilities sum highest is drafted. Answers join the global tree when their request ends.
    """

    name = "suffix_decoding"

    def __init__(self, factor: float = FACTOR, least: float = LEAST_PROBABILITY) -> None:
        self._factor, self._least = factor, least
        self._global = SuffixTree(LONGEST_MATCH)
        self._answer: list[int] = []
        self.begin(())

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self.end()
        self._local = SuffixTree(LONGEST_MATCH)
        self._places: list[Place] = []  # in the global tree, where ends of the context stand, longest first
        for token in prompt:
            self._push(token)

    def _push(self, token: int) -> None:
        self._local.push(token)
        self._places = self._global.advanced(self._places, token)

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter."""
        best, best_score = DraftTree(), 0.0
        for length, tree, place in self._matches():
            most = min(int(self._factor * length), budget)
            if most <= best_score:
                break  # probabilities sum to at most the number of nodes, and all further matches are shorter
            drafted, score = self._drafted(tree, place, most)
            if score > best_score:
                best, best_score = drafted, score
        return best

    def _matches(self) -> list[tuple[int, SuffixTree, Place]]:
        """The context's ends that occurred before, with their lengths, longest first."""
        found = [(place.depth, self._local, place) for place in self._local.active]
        found += [(place.depth, self._global, place) for place in self._places]
        return sorted(found, key=lambda match: -match[0])

    def _drafted(self, tree: SuffixTree, place: Place, most: int) -> tuple[DraftTree, float]:
        """At most ``most`` nodes below ``place``, likeliest first, and the sum of their probabilities."""
        draft, score, serial = DraftTree(), 0.0, 0
        heap: list[tuple[float, int, int, int, Place]] = []  # -probability, serial, token, parent, place

        def expand(parent: int, probability: float, at: Place) -> None:
            nonlocal serial
            for token, share, below in tree.following(at):
                if probability * share >= self._least:
                    serial += 1
                    heappush(heap, (-probability * share, serial, token, parent, below))

        expand(ROOT, 1.0, place)
        while heap and len(draft.tokens) < most:
            minus, _, token, parent, below = heappop(heap)
            score -= minus
            expand(draft.add(token, parent, self.name), -minus, below)
        draft.size = len(draft.tokens)
        return draft, score

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        for token in accepted:
            self._push(token)
        self._answer.extend(accepted)

    def end(self) -> None:
        """Ends the request; see Drafter."""
        for token in self._answer:
            self._global.push(token)
        if self._answer:
            self._global.close()
        self._answer = []
