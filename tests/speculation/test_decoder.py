"""The loop is lossless: drafts change how many positions a pass evaluates, never what is drawn."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from spectra_local.speculation.decoder import Decoder, Step, top_k
from spectra_local.speculation.interface import ROOT, DraftTree, TopK
from spectra_local.speculation.measured_cost import MeasuredCost

# 99.9 % points of the chi-square distribution by degrees of freedom (any table of it).
CHI_SQUARE = {2: 13.8, 8: 26.1, 26: 54.1}
END = 3
PROMPT = [2, 0, 1]


class ToyModel:
    """Three tokens and an end; what follows depends on the last two."""

    logits_share = 0.2

    def __init__(self) -> None:
        self.logit_table = np.random.default_rng(3).normal(0, 1.2, (4, 4, 4)).astype(np.float32)
        self.logit_table[:, :, END] = -1e9

    def ends_generation(self, token: int) -> bool:
        return token == END


class ToyContext:
    """The verbs of llama.context.Context over a ToyModel."""

    handle = None
    n_ctx = 10_000
    widest = 16
    exact = False

    def __init__(self) -> None:
        self.model = ToyModel()
        self.tokens: list[int] = []
        self.n_decodes = 0

    @property
    def n_past(self) -> int:
        return len(self.tokens)

    def holds(self, tokens: Sequence[int]) -> bool:
        return self.tokens[: len(tokens)] == list(tokens)

    def prefill(self, tokens: Sequence[int], *, logits: bool = True) -> Iterator[tuple[int, int, int]]:
        self.tokens = list(tokens)
        self._rows = [self._row(self.tokens)]
        yield 0, len(tokens), len(tokens)

    def decode(self, token: int, drafted: Sequence[int], parents: Sequence[int]) -> None:
        self.n_decodes += 1
        self._paths: list[list[int]] = [[token]]
        for node, parent in zip(drafted, parents, strict=True):
            self._paths.append([*self._paths[parent + 1], node])
        self._rows = [self._row(self.tokens + path) for path in self._paths]

    def _row(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.model.logit_table[tokens[-2], tokens[-1]]
        return row

    def logits(self, row: int = 0) -> NDArray[np.float32]:
        return self._rows[row]

    def batch_index(self, row: int = 0) -> int:
        return row

    def commit(self, path: Sequence[int]) -> None:
        self.tokens += self._paths[path[-1] + 1 if path else 0]


class ToySampler:
    """Draws from the softmax; one random number a token."""

    takes_likeliest = False

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def sample(self, context: object, index: int, logits: NDArray[np.float32]) -> int:
        p = np.exp(logits.astype(np.float64) - logits.max())
        return int(np.searchsorted(np.cumsum(p / p.sum()), self._random.random()))


class Guesser:
    """Proposes the same bushy tree each time, right or wrong."""

    def __init__(self) -> None:
        self.learned: list[tuple[list[int], list[TopK]]] = []

    def begin(self, prompt: Sequence[int], prediction: Sequence[int] = ()) -> None:
        self.learned.clear()

    def propose(self, budget: int) -> DraftTree:
        tree = DraftTree()
        for first in range(2):
            child = tree.add(first, ROOT, "toy")
            for second in range(3):
                grandchild = tree.add(second, child, "toy")
                tree.add(0, grandchild, "toy")
        tree.size = min(budget, len(tree.tokens))
        return tree

    def learn(self, accepted: Sequence[int], top: Sequence[TopK]) -> None:
        self.learned.append((list(accepted), list(top)))

    def end(self) -> None:
        pass


def generate(seed: int, n: int, drafter: Any) -> tuple[list[int], ToyContext, Decoder]:
    context = ToyContext()
    decoder = Decoder(context, ToySampler(seed), drafter)  # type: ignore[arg-type]
    steps = [step for step in decoder.run(PROMPT, n) if isinstance(step, Step)]
    return [token for step in steps for token in step.tokens], context, decoder


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_draws_the_same_tokens_with_and_without_drafts(seed: int) -> None:
    plain, _, _ = generate(seed, 60, None)
    drafted, _, decoder = generate(seed, 60, Guesser())
    assert drafted == plain
    assert decoder.counts.draft_n_accepted > 0


def test_the_distribution_with_drafts_is_the_plain_one() -> None:
    plain = Counter(tuple(generate(2 * seed, 3, None)[0]) for seed in range(4000))
    drafted = Counter(tuple(generate(2 * seed + 1, 3, Guesser())[0]) for seed in range(4000))
    statistic = sum((plain[k] - drafted[k]) ** 2 / (plain[k] + drafted[k]) for k in plain | drafted)
    assert statistic < CHI_SQUARE[26]


def test_a_draft_never_brings_more_tokens_than_asked_for() -> None:
    for n in range(1, 12):
        assert len(generate(1, n, Guesser())[0]) == n


def test_tokens_committed_are_those_chosen() -> None:
    tokens, context, _ = generate(5, 40, Guesser())
    assert context.tokens == [*PROMPT, *tokens[:-1]]


def test_the_drafter_learns_each_step_with_the_models_view_along_the_path() -> None:
    guesser = Guesser()
    tokens, _, _ = generate(5, 40, guesser)
    learned = [token for accepted, _ in guesser.learned for token in accepted]
    assert learned == tokens[: len(learned)]
    for accepted, top in guesser.learned:
        assert len(top) == len(accepted)


def test_a_prompt_read_in_pieces_tells_what_wide_passes_cost_with_all_their_logits() -> None:
    class InPieces(ToyContext):
        def prefill(self, tokens: Sequence[int], *, logits: bool = True) -> Iterator[tuple[int, int, int]]:
            for at in (0, 64, 128):
                yield 0, at, 150
            yield from super().prefill(tokens)

    class Watched(MeasuredCost):
        seen: ClassVar[list[tuple[int, float]]] = []

        def observe_prefill(self, width: int, seconds: float) -> None:
            self.seen.append((width, seconds))

    cost = Watched({1: 1.0, 2: 2.0}, 16)
    list(Decoder(InPieces(), ToySampler(1), Guesser(), cost).run(PROMPT, 2))  # type: ignore[arg-type]
    assert [width for width, _ in cost.seen] == [0, 64, 64]
    assert all(seconds > 0 for _, seconds in cost.seen)


def test_top_k_is_ordered_normalised_and_within_the_margin() -> None:
    ids, weights = top_k(np.array([0.0, 5.0, 4.0, -9.0, 5.0], np.float32))
    assert ids == [1, 4, 2]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1.0)


def test_top_k_begins_with_what_argmax_picks_even_where_no_logit_is_a_number() -> None:
    rng = np.random.default_rng(5)
    for row in (np.zeros(7), rng.integers(0, 3, 50), rng.normal(size=50), np.full(4, np.nan), np.full(4, -np.inf)):
        ids, weights = top_k(row.astype(np.float32))
        assert ids[0] == int(row.argmax())
        assert sum(weights) == pytest.approx(1.0)


def test_a_held_prompt_is_drafted_below_at_once_and_a_new_one_gives_a_token_by_itself() -> None:
    new, context, decoder = generate(1, 30, Guesser())
    assert decoder.counts.n_free == 1
    again = Decoder(context, ToySampler(1), Guesser())  # type: ignore[arg-type]
    steps = [step for step in again.run(PROMPT, 30) if isinstance(step, Step)]
    assert again.counts.n_free == 0
    assert steps[0].n_drafted > 0
    assert [token for step in steps for token in step.tokens] == new
