import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from fakes.rounding import ROUNDING, difference, difference_below, say

from spectra_local.errors import ContextFullError
from spectra_local.llama import native
from spectra_local.llama.attention import NEVER, SHORT
from spectra_local.llama.context import ALWAYS, FIRST_N_CTX, MAX_WIDTH, WIDEST_SMALL, Context, DecodeAbortedError
from spectra_local.llama.model import Model

pytestmark = pytest.mark.model


def prefill(context: Context, tokens: list[int]) -> int:
    """Tokens reused."""
    reports = list(context.prefill(tokens))
    return reports[-1][0]


def test_a_second_prefill_evaluates_only_what_is_new(context: Context, story: list[int]) -> None:
    assert prefill(context, story) == 0
    continuation = say(context, 8).tokens
    assert prefill(context, story + continuation[:4] + [198]) == len(story) + 4
    assert context.tokens == story + continuation[:4] + [198]


def test_what_was_typed_is_kept_in_pieces_when_its_evaluation_ends_early(context: Context, story: list[int]) -> None:
    prefill(context, story)
    typed = story[:24]
    reports = context.prefill(story + typed)
    next(report for report in reports if report[1])
    reports.close()
    assert len(story) < context.n_past < len(story) + len(typed)
    assert prefill(context, story + typed) > len(story)


def test_a_repeated_prompt_gives_the_same_text(context: Context, story: list[int]) -> None:
    prefill(context, story)
    first = say(context, 16)
    assert prefill(context, story) == len(story) - 1
    assert difference(context, first) < ROUNDING  # the last token is read by itself now
    prefill(context, story)
    again = say(context, 16)
    prefill(context, story)
    assert say(context, 16).tokens == again.tokens


def test_the_cache_grows_and_keeps_what_it_holds(context: Context, smollm2: Model, story: list[int]) -> None:
    long = smollm2.tokenize("The cat sat on the mat and looked at the moon. " * 150)
    prefill(context, story + long[: FIRST_N_CTX - len(story) - 4])
    before = say(context, 12)  # crosses the edge of the first allocation
    fresh = Context(smollm2, native.AbortFlag(), n_ctx=8192, n_threads=2, flash_cells=context.flash_cells)
    prefill(fresh, context.tokens[:-11])
    assert difference(fresh, before) < ROUNDING
    fresh.close()


def test_a_cache_that_grows_into_another_kind_of_attention_keeps_what_it_holds(
    smollm2: Model, abort: native.AbortFlag, story: list[int]
) -> None:
    expected = None
    for flash_cells in (ALWAYS, SHORT, NEVER):
        context = Context(smollm2, abort, n_ctx=2048, n_threads=2, flash_cells=flash_cells)
        assert context.flash is (flash_cells != NEVER)
        prefill(context, (story * 20)[: SHORT - 6])
        if expected is None:
            expected = say(context, 12)  # crosses the edge
        else:
            assert difference(context, expected) < ROUNDING
        assert context.flash is (flash_cells == ALWAYS)
        context.restart()
        assert context.flash is (flash_cells != NEVER)
        context.close()


@pytest.fixture
def growing(smollm2: Model, abort: native.AbortFlag) -> Iterator[Context]:
    """One that goes over from flash attention to the plain one."""
    context = Context(smollm2, abort, n_ctx=2048, n_threads=2, flash_cells=SHORT)
    yield context
    context.close()


def test_a_short_text_after_a_long_one_is_read_into_a_small_cache_again(growing: Context, story: list[int]) -> None:
    prefill(growing, story)
    expected = say(growing, 6)
    long = (story * 30)[:300]
    prefill(growing, [*story[:8], *long])
    assert not growing.flash
    assert prefill(growing, story) == 0  # eight tokens in common are read again
    assert growing.flash
    assert say(growing, 6).tokens == expected.tokens
    prefill(growing, long)
    assert prefill(growing, long[:60]) > 50  # what is worth more than that stays
    assert not growing.flash


def test_a_draft_does_not_outgrow_a_small_cache_nor_take_its_other_kernel(growing: Context, story: list[int]) -> None:
    assert growing.widest == WIDEST_SMALL
    prefill(growing, (story * 30)[: SHORT - 20])
    assert growing.widest == 20
    growing.decode(100, [100] * 19, range(-1, 18))
    growing.commit(range(19))
    assert growing.flash and growing.widest == 1
    growing.decode(100)
    growing.commit()
    assert not growing.flash and growing.widest == MAX_WIDTH


def test_what_was_set_aside_comes_back_also_after_a_change_of_attention(growing: Context, story: list[int]) -> None:
    prefill(growing, story)
    expected = say(growing, 6)
    prefill(growing, story)
    held = growing.set_aside()
    prefill(growing, (story * 30)[:400])
    assert not growing.flash
    long = growing.set_aside()
    growing.bring_back(held)
    assert growing.tokens == story and not growing.flash
    assert difference_below(growing, expected) < ROUNDING
    growing.restart()
    growing.bring_back(long)
    assert (growing.tokens, growing.flash) == ((story * 30)[:400], False)


def test_a_restarted_context_answers_as_a_new_one(context: Context, story: list[int]) -> None:
    prefill(context, story)
    first = say(context, 8).tokens
    context.decode(first[-1], [100] * 100, range(-1, 99))
    context.commit()
    context.restart()
    assert context.tokens == []
    assert prefill(context, story) == 0
    assert say(context, 8).tokens == first


def test_more_tokens_than_the_context_holds_are_refused(smollm2: Model, abort: native.AbortFlag) -> None:
    context = Context(smollm2, abort, n_ctx=256, n_threads=2)
    with pytest.raises(ContextFullError):
        prefill(context, [100] * 300)
    assert prefill(context, [100] * 200) == 0
    context.close()


def tree_logits_match(context: Context, reference: Context, rng: np.random.Generator, widest: int) -> float:
    """Decodes a random tree, commits a random path of it, and returns the largest difference from one-by-one logits."""
    n = int(rng.integers(1, widest))
    tokens = rng.integers(100, 49000, n).tolist()
    parents = [int(rng.integers(max(-1, i - 4), i)) for i in range(n)]
    context.decode(500, tokens, parents)
    rows = [context.logits(row).copy() for row in range(n + 1)]
    path: list[int] = []
    at = int(rng.integers(-1, n))
    while at >= 0:
        path.insert(0, at)
        at = parents[at]
    context.commit(path)
    worst = 0.0
    for token, row in zip([500, *(tokens[i] for i in path)], [0, *(i + 1 for i in path)], strict=True):
        reference.decode(token)
        worst = max(worst, float(np.abs(reference.logits() - rows[row]).max()))
        reference.commit()
    assert context.tokens == reference.tokens
    return worst


def test_a_tree_gives_the_logits_of_its_paths(context: Context, smollm2: Model, story: list[int]) -> None:
    reference = Context(smollm2, native.AbortFlag(), n_ctx=8192, n_threads=2)
    prefill(context, story)
    prefill(reference, story)
    rng = np.random.default_rng(1)
    differences = [tree_logits_match(context, reference, rng, 16) for _ in range(12)]
    assert max(differences) < ROUNDING
    reference.close()


def decoding_thread(context: Context, work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def test_abort_stops_a_long_prefill_and_the_next_answer_is_a_fresh_one(
    context: Context, abort: native.AbortFlag, smollm2: Model, story: list[int]
) -> None:
    prefill(context, story)
    expected = say(context, 12)
    long = smollm2.tokenize("A long text that takes a while to read. " * 400)[:3000]
    started = threading.Event()

    def run() -> None:
        while True:  # a fast machine may be done before the flag is set
            context.clear()
            for _, done, _ in context.prefill(long):
                if done:
                    started.set()

    thread, raised = decoding_thread(context, run)
    assert started.wait(60)
    abort.set()
    thread.join(60)
    assert isinstance(raised[0], DecodeAbortedError)
    assert context.n_past < len(long)
    abort.clear()
    context.clear()
    prefill(context, story)
    assert difference(context, expected) < ROUNDING


def test_abort_in_a_tree_leaves_the_committed_tokens(
    context: Context, abort: native.AbortFlag, story: list[int]
) -> None:
    prefill(context, story)
    expected = say(context, 12)
    prefill(context, story)
    abort.set()
    with pytest.raises(DecodeAbortedError):
        context.decode(expected.tokens[0], [1000, 1001, 1002, 1003], [-1, -1, 0, 1])
    abort.clear()
    assert context.tokens == story
    assert difference_below(context, expected) < ROUNDING


def test_of_what_was_typed_on_a_little_is_read_at_once_so_that_a_cancel_has_brought_something(context: Context) -> None:
    tokens = [*range(100, 260)]
    assert [done for _, done, _ in context.prefill(tokens[:130])] == [0, 64, 128, 130]
    assert [done for _, done, _ in context.prefill(tokens)] == [0, 4, 20, 30]
    assert [done for _, done, _ in context.prefill(tokens, logits=False)] == [0]
    assert context.tokens == tokens
