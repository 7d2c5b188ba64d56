"""Grows the draft tree best-first by path probability, until no further node can pay. Knows tokens and evidence.

Best-first growth under a measured cost is Sequoia's and SuffixDecoding's idea; taking a long sure match as one slice is
ours, to save the weighing of its nodes.
"""

from collections.abc import Collection
from heapq import heappop, heappush

from spectra_local.speculation import evidence as ev
from spectra_local.speculation.candidates import Candidate, merge
from spectra_local.speculation.core import THREE_TOKENS
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.interface import ROOT, DraftTree
from spectra_local.speculation.learned import Learned
from spectra_local.speculation.match import TOKEN_BITS, Pointer
from spectra_local.speculation.recent import Recent

SURE = 16  # tokens of match from which it is drafted as one slice: its length says more than all other evidence
RELEVANT = 4  # a match shorter than the longest by this factor has no say against it

_Offer = tuple[float, int, int, int, int, Candidate]  # -path chance, serial, parent node, depth, key before it, it


class TreeGrower:
    """One draft: the tree, its path probabilities, and all that was weighed on the way."""

    def __init__(self, learned: Learned, recent: Recent, cost: CostCurve, ends: Collection[int]) -> None:
        self.tree = DraftTree()
        self.chances: list[float] = []  # of each node's path, falling
        self.weighed: dict[int, list[Candidate]] = {}  # node -> candidates after it, drafted or not
        self._nodes: dict[int, dict[int, int]] = {}  # node -> token -> child node
        self._learned = learned
        self._recent = recent
        self._relative = cost.relative
        self._floor = cost.floor
        self._ends = ends
        self._heap: list[_Offer] = []
        self._serial = 0
        self._expected = 1.0  # tokens, should all nodes be verified
        self._best = 1.0  # tokens per unit cost of the best prefix so far

    def child(self, node: int, token: int) -> int | None:
        """The node that ``token`` leads to from ``node``, None where it was not drafted."""
        children = self._nodes.get(node)
        return children.get(token) if children else None

    def grow(self, key: int, pointers: list[Pointer], budget: int) -> None:
        """Adds at most ``budget`` nodes after the packed last three tokens ``key``."""
        heap, chances = self._heap, self.chances
        self._weigh(ROOT, key, pointers, 0, 0, 1.0)
        while heap and len(chances) < budget:
            minus, _, parent, depth, key, candidate = heappop(heap)
            if -minus <= self._least():
                return
            node = self._add(candidate, parent, -minus)
            key = (key << TOKEN_BITS | candidate.token) & THREE_TOKENS
            if candidate.token in self._ends:
                continue
            run = self._sure_run(candidate, budget - len(chances))
            if run:
                self._take(run, candidate, node, depth + 1, key, budget)
            else:
                self._weigh(node, key, candidate.pointers, candidate.steps, depth + 1, -minus)

    def _least(self) -> float:
        """The path probability below which a further node cannot pay."""
        return self._best * self._floor[len(self.chances)]

    def _add(self, candidate: Candidate, parent: int, chance: float) -> int:
        node = self.tree.add(candidate.token, parent, candidate.source)
        self.chances.append(chance)
        children = self._nodes.get(parent)
        if children is None:
            self._nodes[parent] = {candidate.token: node}
        else:
            children[candidate.token] = node
        self._expected += chance
        price = self._relative[node + 2]
        if self._expected > self._best * price:
            self._best = self._expected / price
        return node

    def _offer(self, candidates: list[Candidate], parent: int, depth: int, key: int, chance: float) -> None:
        least = self._least()
        for candidate in candidates:
            path = chance * candidate.chance
            if path > least:
                self._serial += 1
                heappush(self._heap, (-path, self._serial, parent, depth, key, candidate))

    def _weigh(self, node: int, key: int, pointers: list[Pointer], steps: int, depth: int, chance: float) -> None:
        least = self._least() / chance
        found = self.weighed[node] = merge(self._learned, self._recent, key, pointers, steps, depth, least)
        self._offer(found, node, depth, key, chance)

    def _sure_run(self, candidate: Candidate, count: int) -> tuple[list[int], list[int]] | None:
        """Tokens and sure kinds that follow, as far as all relevant matches agree; None where no match is long."""
        pointers, steps = candidate.pointers, candidate.steps
        if not pointers or count <= 0:
            return None
        longest = max(pointers)
        length = longest.length + steps
        if length < SURE:
            return None
        tokens = longest.run(steps, count)
        several = 0
        for pointer in pointers:
            if pointer is not longest and RELEVANT * (pointer.length + steps) >= length:
                several = 1
                other = pointer.run(steps, len(tokens))
                if other != tokens[: len(other)]:
                    del tokens[
                        next(i for i, pair in enumerate(zip(tokens, other, strict=False)) if pair[0] != pair[1]) :
                    ]
        if not tokens:
            return None
        rate = ev.SURE_RATE_BUCKET[int(self._recent.match[longest.source] * ev.RATE_STEPS)]
        row = ((longest.source * 2 + several) * ev.SURE_RATES + rate) * ev.LENGTHS
        bucket, most = ev.LENGTH_BUCKET, ev.LONGEST
        kinds = [row + bucket[min(length + i, most)] for i in range(len(tokens))]
        return tokens, kinds

    def _take(
        self, run: tuple[list[int], list[int]], first: Candidate, node: int, depth: int, key: int, budget: int
    ) -> None:
        """Adds a slice below ``node`` while nothing else is likelier; then offers or weighs what follows."""
        rates = self._learned.calibration.sure_rate
        rival = -self._heap[0][0] if self._heap else 0.0
        chance, steps = self.chances[node], first.steps
        for token, kind in zip(*run, strict=True):
            step = Candidate(rates[kind], token, first.source, [~kind], first.pointers, steps + 1)
            self.weighed[node] = [step]
            following = chance * step.chance
            if following < rival or following <= self._least():
                self._offer([step], node, depth, key, chance)
                return
            chance = following
            node = self._add(step, node, chance)
            steps += 1
            depth += 1
            key = (key << TOKEN_BITS | token) & THREE_TOKENS
            if token in self._ends:
                return
        if len(self.chances) < budget:
            self._weigh(node, key, first.pointers, steps, depth, chance)
