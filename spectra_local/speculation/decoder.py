"""The loop, and nothing else: draft -> decode -> walk -> commit -> learn.

Lossless: every token is drawn by the user's own sampler from the model's own logits, in order, so that the same seed
uses the same random draws with and without drafts; a draft only decides how many positions one pass evaluates.
Plain decoding is the same loop without a drafter.
"""

import time
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from math import exp, isfinite

import numpy as np
from numpy.typing import NDArray

from spectra_local.llama.context import MAX_LEAVES, Context
from spectra_local.llama.logprobs import Logprobs
from spectra_local.llama.sampling import Sampler
from spectra_local.protocol import TokenLogprobs
from spectra_local.speculation.interface import ROOT, Drafter, DraftTree, TopK
from spectra_local.speculation.measured_cost import MeasuredCost

# Tokens whose logit is further below the best than this have less than 1.9 % of its probability: not worth a draft.
_TOP_K_MARGIN = 4.0
_MOST_TOP_K = 8


@dataclass(slots=True)
class Step:
    """What one pass of the model brought: tokens chosen, and for each the kind of guess it was ("": none)."""

    tokens: list[int]
    sources: list[str]
    n_drafted: int
    logprobs: list[TokenLogprobs] = field(default_factory=list)  # of the tokens, where they are asked for


@dataclass(slots=True)
class Prefill:
    """Progress before the first step: tokens of the prompt evaluated, of how many; ``reused`` were there already."""

    done: int
    total: int
    reused: int = 0


@dataclass(slots=True)
class Counts:
    """Of one answer, so far. Times in seconds."""

    steps: int = 0
    draft_n: int = 0
    draft_n_accepted: int = 0
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    _: KW_ONLY
    rejected_by_source: dict[str, int] = field(default_factory=dict)
    n_free: int = 0  # tokens drawn from the prefill's own logits, without a step
    reused: int = 0  # tokens of the prompt found in the KV cache
    prefilled: int = 0
    prefill_s: float = 0.0
    cost: float = 0.0  # of all steps, in decodes of one token by the cost curve
    decode_s: float = 0.0  # in the model
    draft_s: list[float] = field(default_factory=list)  # drafting and learning, a step
    drafting_s: float = 0.0  # all that drafting took beside the model, reading the prompt for it included

    @property
    def whole_cost(self) -> float:
        """Of all steps with their drafting, in decodes of one token."""
        return self.cost * (1.0 + self.drafting_s / self.decode_s) if self.decode_s else self.cost


class Decoder:
    """Continues one prompt until told to stop or a token ends it."""

    def __init__(
        self,
        context: Context,
        sampler: Sampler,
        drafter: Drafter | None = None,
        cost: MeasuredCost | None = None,
        clock: Callable[[], float] = time.perf_counter,
        *,
        stop: Collection[int] = (),
        logprobs: Logprobs | None = None,
    ) -> None:
        """``cost`` prices each step and is told how long it took. ``clock`` may stand still between two steps.
        ``stop``: tokens that end the generation like the model's own ends. ``logprobs``: tells of each token chosen."""
        self._context = context
        self._sampler = sampler
        self._drafter = drafter
        self._cost = cost
        self._clock = clock
        self._stop = stop
        self._logprobs = logprobs
        self._told: list[TokenLogprobs] = []  # of the tokens chosen in this step
        self.counts = Counts()

    def ends(self, token: int) -> bool:
        """Whether ``token`` ends the generation."""
        return self._context.model.ends_generation(token) or token in self._stop

    def run(
        self,
        prompt: Sequence[int],
        most_tokens: int,
        *,
        prediction: Sequence[int] = (),
    ) -> Generator[Prefill | Step, None, None]:
        """Yields Prefill progress, then a Step a pass until ``most_tokens`` are chosen or one ends the generation
        (it is the last yielded).

        Raises DecodeAbortedError, ContextFullError.
        """
        drafter, context = self._drafter, self._context
        if drafter:
            began = time.perf_counter()
            drafter.begin(prompt, prediction)
            self.counts.drafting_s += time.perf_counter() - began
        try:
            path: list[int] = []  # nodes of the tree that came true
            # Where the last token alone is missing, one pass evaluates it and a tree below it. Else the prefill's own
            # logits give a token without a further pass, which no draft below the prompt could make up for.
            tree = self._draft(most_tokens)
            if len(prompt) == 1 or not context.holds(prompt[:-1]):
                tree.size = 0
            trunk = prompt[:-1] if tree.size else prompt
            started = self._clock()
            resumed = time.perf_counter()
            for reused, done, total in context.prefill(trunk, logits=not tree.size):
                if self._cost and done < total:  # the rest of a prompt has any width, and seldom the same again
                    seconds = time.perf_counter() - resumed
                    width = done - self.counts.prefilled
                    self._cost.observe_prefill(width, seconds / (1.0 - context.model.logits_share))
                self.counts.reused, self.counts.prefilled = reused, done
                self.counts.prefill_s = self._clock() - started
                yield Prefill(done, total, reused)
                resumed = time.perf_counter()
            if most_tokens <= 0:
                return
            if tree.size:
                chosen, path, tops = self._verify(prompt[-1], tree)
                self.counts.prefilled += 1  # the last token, which the first pass evaluated
            else:
                tree = DraftTree()
                token, top = self._sample(ROOT, blind=tree.blind)
                chosen, tops = [token], top
                self.counts.n_free = 1
            while True:
                yield self._taken(chosen, tree, path)
                most_tokens -= len(chosen)
                if self.ends(chosen[-1]) or most_tokens <= 0:
                    return
                self._learn(chosen, tops)
                tree = self._draft(most_tokens)
                chosen, path, tops = self._verify(chosen[-1], tree)
        finally:
            if drafter:
                drafter.end()

    def _draft(self, most_tokens: int) -> DraftTree:
        room = self._context.n_ctx - self._context.n_past - 2
        budget = min(most_tokens - 1, room, self._context.widest - 1)
        if not self._drafter or budget <= 0:
            return DraftTree()
        started = time.perf_counter()
        tree = self._drafter.propose(budget)
        tree.size = min(tree.size, budget, _nodes_within(tree.parents, MAX_LEAVES))
        seconds = time.perf_counter() - started
        self.counts.draft_s.append(seconds)
        self.counts.drafting_s += seconds
        return tree

    def _verify(self, token: int, tree: DraftTree) -> tuple[list[int], list[int], list[TopK]]:
        """One pass over ``token`` and the tree; walks down where the sampler picks a child, commits that path.

        Returns the tokens chosen, the nodes they led through, and the model's view where they were chosen.
        """
        started = time.perf_counter()
        self._context.decode(token, tree.tokens[: tree.size], tree.parents[: tree.size])
        seconds = time.perf_counter() - started
        self.counts.decode_s += seconds
        if self._cost:
            self.counts.cost += self._cost.relative[1 + tree.size]
            self._cost.observe(1 + tree.size, seconds, self._context.n_past)
        children = {(tree.parents[i], tree.tokens[i]): i for i in range(tree.size)}
        chosen: list[int] = []
        path: list[int] = []
        tops: list[TopK] = []
        at = ROOT
        while True:
            token, top = self._sample(at, blind=tree.blind)
            chosen.append(token)
            tops += top
            following = children.get((at, token))
            if following is None or self.ends(token):
                break
            path.append(following)
            at = following
        self._context.commit(path)
        self.counts.steps += 1
        return chosen, path, tops

    def _sample(self, node: int, *, blind: bool) -> tuple[int, list[TopK]]:
        """The token after ``node``, and what a drafter that is not ``blind`` learns of the model's view there.

        Rejected nodes are not looked at: CORE learned from eight of them a step with no gain (7 prompts of SmolLM2 took
        1.6 % fewer steps, 21 took 2.6 % more), and each look takes time.
        """
        logits = self._context.logits(node + 1)
        top = [] if blind or not self._drafter else [TopK(*top_k(logits))]
        if top and self._sampler.takes_likeliest:
            token = top[0].ids[0]  # each pass over a row takes some per mille of a small model's step
        else:
            token = self._sampler.sample(self._context.handle, self._context.batch_index(node + 1), logits)
        if self._logprobs:
            self._told.append(self._logprobs.of(token, logits))
        return token, top

    def _learn(self, chosen: list[int], tops: list[TopK]) -> None:
        if self._drafter:
            started = time.perf_counter()
            self._drafter.learn(chosen, tops)
            seconds = time.perf_counter() - started
            self.counts.drafting_s += seconds
            if self.counts.draft_s:
                self.counts.draft_s[-1] += seconds

    def _taken(self, chosen: list[int], tree: DraftTree, path: list[int]) -> Step:
        sources = [tree.sources[i] for i in path]
        counts = self.counts
        counts.draft_n += tree.size
        counts.draft_n_accepted += len(path)
        for source in sources:
            counts.accepted_by_source[source] = counts.accepted_by_source.get(source, 0) + 1
        if tree.size > len(path):
            on_path = set(path)
            for i in range(tree.size):
                if i not in on_path:
                    source = tree.sources[i]
                    counts.rejected_by_source[source] = counts.rejected_by_source.get(source, 0) + 1
        told, self._told = self._told, []
        return Step(chosen, [*sources, ""], tree.size, told)


def top_k(logits: NDArray[np.float32]) -> tuple[list[int], list[float]]:
    """The likeliest tokens of one row (n_vocab,) within a margin of the best, best first, with weights that sum to 1.

    Of equal ones the first comes first, as with ``argmax``. By margin, not by sorting or partitioning the row: two
    passes over it. What is left is a handful, for which Python's own lists are faster than arrays.
    """
    best = float(logits.max())
    if not isfinite(best):  # a damaged model
        return [int(logits.argmax())], [1.0]
    ids = (logits >= best - _TOP_K_MARGIN).nonzero()[0]
    likeliest = sorted(zip((-logits[ids]).tolist(), ids.tolist(), strict=True))[:_MOST_TOP_K]
    weights = [exp(-minus - best) for minus, _ in likeliest]
    scale = 1.0 / sum(weights)
    return [token for _, token in likeliest], [weight * scale for weight in weights]


def _nodes_within(parents: Sequence[int], most_leaves: int) -> int:
    """How many leading nodes have at most ``most_leaves`` leaves: a node adds one unless it extends a leaf."""
    leaves, has_child = 0, {ROOT}
    for i, parent in enumerate(parents):
        if parent in has_child:
            leaves += 1
            if leaves > most_leaves:
                return i
        has_child.add(parent)
    return len(parents)
