"""SPECTRA: one drafter that merges match pointers and the model's own N-grams into one priced tree.

Works on token ids. Knows nothing of models or of how a tree is verified. The idea of N-gram drafts from the model's
own distribution is SPECTRA's (ACL 2025, 10.18653/v1/2025.acl-long.685); growing best-first and sizing by measured cost
is Sequoia's; drafting by match length SuffixDecoding's.
"""

from collections.abc import Collection, Iterable, Sequence
from heapq import heappop, heappush

from spectra_local.speculation import evidence as ev
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.candidates import Candidate, Recent, merge
from spectra_local.speculation.core import THREE_TOKENS, NgramTable
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.cursor import HistoryCursor, PredictionCursor
from spectra_local.speculation.growth import Bankroll, best_size
from spectra_local.speculation.interface import ROOT, DraftTree, History, TopK
from spectra_local.speculation.match import SOURCES, TOKEN_BITS, ContextMatcher, Pointer

SURE = 16  # tokens of match from which it is drafted as one slice, its length being all the evidence
LONG_DRAFT = 8  # tokens of a sure slice that CORE still learns from: the rest is known text


class SpectraDrafter:
    """Drafts from the context, from histories, from CORE's dictionaries and from a caller's prediction.

    ``core`` and ``calibration`` live on over requests; all else is the request's own. ``ends`` are the tokens that
    end an answer: nothing is drafted beyond them.
    """

    name = "spectra"

    def __init__(
        self,
        cost: CostCurve,
        histories: Iterable[History] = (),
        core: NgramTable | None = None,
        calibration: Calibration | None = None,
        ends: Collection[int] = (),
    ) -> None:
        self.cost = cost
        self.histories = list(histories)
        self.core = core or NgramTable()
        self.calibration = calibration or Calibration.shipped()
        self.ends = frozenset(ends)
        self.begin(())

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Starts a request; see Drafter."""
        self._context = ContextMatcher()
        self._key = 0
        self._prompt = len(prompt)
        for token in prompt:
            self._push(token)
        self._cursors = [HistoryCursor(history) for history in self.histories]
        self._prediction = PredictionCursor(prediction) if prediction else None
        self._recent = Recent()
        self.bankroll = Bankroll()
        self._forget_draft()

    def end(self) -> None:
        """Ends the request; see Drafter."""
        self._forget_draft()

    def propose(self, budget: int) -> DraftTree:
        """Guesses; see Drafter. The tree goes on beyond its ``size`` as far as was looked."""
        self._forget_draft()
        budget = min(budget, self.cost.max_width - 1)
        if budget > 0:
            self._pointers = self._find_pointers()
            self._grow(budget)
            self._tree.size = best_size(self._chances, self.cost, self.bankroll, budget)
        return self._tree

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        """Learns; see Drafter."""
        self.bankroll.settle(len(accepted), self.cost.relative[1 + self._tree.size])
        known = self._observe(accepted)
        for i, token in enumerate(accepted):
            if i < len(top) and (i < LONG_DRAFT or i >= known):
                self.core.add(self._key, top[i].ids, top[i].weights)
            self._push(token)
        for cursor in self._cursors:
            cursor.advance(accepted)
        if self._prediction:
            self._prediction.advance(accepted)
        if len(top) >= len(accepted):
            last = top[len(accepted) - 1]
            echo = dict(zip(last.ids, last.weights, strict=True))
            self._recent.confidence = min(1.0, echo.pop(accepted[-1], 0.0))
            self._recent.echo = echo

    def _forget_draft(self) -> None:
        self._tree = DraftTree()
        self._chances: list[float] = []  # of each node's path, falling
        self._children: dict[int, list[Candidate]] = {}  # all that were weighed at a node, drafted or not
        self._nodes: dict[int, dict[int, int]] = {}  # node -> token -> child node
        self._pointers: list[Pointer] = []

    def _push(self, token: int) -> None:
        self._context.push(token)
        self._key = (self._key << TOKEN_BITS | token) & THREE_TOKENS

    def _find_pointers(self) -> list[Pointer]:
        found = self._context.pointers(self._prompt)
        for cursor in self._cursors:
            found += cursor.pointers(self._context.tokens)
        if self._prediction:
            found += self._prediction.pointers()
        return found

    def _grow(self, budget: int) -> None:
        """Adds nodes best-first until none that is left can pay."""
        tree, chances, relative, floor = self._tree, self._chances, self.cost.relative, self.cost.floor
        ends = self.ends
        heap: list[tuple[float, int, int, int, int, Candidate]] = []  # -path chance, serial, parent, depth, key, it
        serial, best, expected = 0, 1.0, 1.0
        children = self._weigh(ROOT, self._key, self._pointers, 0, 0, floor[0])
        parent, chance, depth, key, size = ROOT, 1.0, 0, self._key, 0
        while True:
            least = best * floor[size]
            for child in children:
                if chance * child.chance > least:
                    serial += 1
                    heappush(heap, (-chance * child.chance, serial, parent, depth, key, child))
            if not heap or size >= budget:
                return
            minus, _, parent, depth, key, child = heappop(heap)
            chance = -minus
            if chance <= best * floor[size]:
                return
            parent = self._add(child, parent, chance)
            size += 1
            expected += chance
            if expected > best * relative[size + 1]:
                best = expected / relative[size + 1]
            key = (key << TOKEN_BITS | child.token) & THREE_TOKENS
            depth += 1
            if child.token in ends:
                children = []
                continue
            run = self._sure_run(child, budget - size)
            if run:
                # One slice: nothing else is looked at while it stays the likeliest.
                kinds, tokens = run
                rates = self.calibration.sure_rate
                rival = -heap[0][0] if heap else 0.0
                steps = child.steps
                for token, kind in zip(tokens, kinds, strict=True):
                    following = chance * rates[kind]
                    step = Candidate(rates[kind], token, child.source, [-1 - kind], child.pointers, steps + 1)
                    self._children[parent] = [step]
                    if following < rival or following <= best * floor[size]:
                        children = [step]
                        break
                    chance = following
                    parent = self._add(step, parent, chance)
                    steps += 1
                    depth += 1
                    size += 1
                    expected += chance
                    if expected > best * relative[size + 1]:
                        best = expected / relative[size + 1]
                    key = (key << TOKEN_BITS | token) & THREE_TOKENS
                    if token in ends:
                        children = []
                        break
                else:
                    children = []
                    if size < budget:
                        children = self._weigh(parent, key, child.pointers, steps, depth, best * floor[size] / chance)
            else:
                children = self._weigh(parent, key, child.pointers, child.steps, depth, best * floor[size] / chance)

    def _add(self, child: Candidate, parent: int, chance: float) -> int:
        node = self._tree.add(child.token, parent, child.source)
        self._chances.append(chance)
        self._nodes.setdefault(parent, {})[child.token] = node
        return node

    def _weigh(
        self, node: int, key: int, pointers: list[Pointer], steps: int, depth: int, least: float
    ) -> list[Candidate]:
        found = merge(self.calibration, self.core, self._recent, key, pointers, steps, depth, least)
        self._children[node] = found
        return found

    def _sure_run(self, child: Candidate, count: int) -> tuple[list[int], list[int]] | None:
        """The sure kinds and tokens that follow, as far as all long matches agree; None where no match is long."""
        pointers, steps = child.pointers, child.steps
        if not pointers or count <= 0:
            return None
        longest = max(pointers)
        length = longest[0] + steps
        if length < SURE:
            return None
        tokens = longest.run(steps, count)
        several = 0
        for pointer in pointers:
            if pointer is not longest and 4 * (pointer[0] + steps) >= length:
                other = pointer.run(steps, len(tokens))
                several = 1
                if other != tokens[: len(other)]:
                    agree = next(i for i, (a, b) in enumerate(zip(tokens, other, strict=False)) if a != b)
                    del tokens[agree:]
        if not tokens:
            return None
        base = longest.source * ev.LENGTHS
        rate = ev.SURE_RATE_BUCKET[int(self._recent.match[longest.source] * ev.RATE_STEPS)]
        last = several * ev.SURE_RATES + rate
        bucket, most = ev.LENGTH_BUCKET, ev.LONGEST
        kinds = [(base + bucket[min(length + i, most)]) * 2 * ev.SURE_RATES + last for i in range(len(tokens))]
        return kinds, tokens

    def _observe(self, accepted: Sequence[int]) -> int:
        """Learns from every position on the true path that was weighed. Returns how far sure slices reached."""
        calibration, recent, known = self.calibration, self._recent, 0
        sure: dict[int, list[int]] = {}
        if self._pointers:
            longest = max(self._pointers)
            foreseen = longest.run(0, len(accepted))
            hits = next((i for i, pair in enumerate(zip(foreseen, accepted, strict=False)) if pair[0] != pair[1]), -1)
            if hits < 0:
                recent.add_match(longest.source, len(foreseen), len(foreseen))
            else:
                recent.add_match(longest.source, hits, hits + 1)
        at: int | None = ROOT
        for k, token in enumerate(accepted):
            children = self._children.get(at) if at is not None else None
            if not children:
                break
            kind = children[0].kinds[0]
            if kind < 0:
                tally = sure.setdefault(-1 - kind, [0, 0])
                tally[0] += children[0].token == token
                tally[1] += 1
                known = k + 1
            else:
                recent.add_guess(children[0].token == token)
                for rank, child in enumerate(children):
                    calibration.observe(child.kinds, rank, child.token == token)
            at = self._nodes.get(at, {}).get(token) if at is not None else None
        for kind, (hits, tries) in sure.items():
            calibration.observe_sure(kind, hits, tries)
        return known


__all__ = ["SOURCES", "SpectraDrafter"]
