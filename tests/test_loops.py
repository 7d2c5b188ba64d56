"""An answer that goes round in circles ends, at the same token however the passes are cut; others are left alone."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from spectra_local.engine import Engine
from spectra_local.loops import LoopEnd, goes_round
from spectra_local.protocol import Done, EngineOptions, Message, Notice, Request, Text
from spectra_local.speculation.decoder import Step


def fed(tokens: list[int], widths: list[int]) -> tuple[list[int], bool]:
    """What a loop's end leaves of ``tokens``, which come in passes of ``widths`` in turn."""
    end, shown, at, n = LoopEnd(), [], 0, 0
    while at < len(tokens):
        part = tokens[at : at + widths[n % len(widths)]]
        step, loops = end.cut(Step(part, [""] * len(part), 0))
        shown += step.tokens
        assert len(step.sources) == len(step.tokens)
        if loops:
            return shown, True
        at, n = at + len(part), n + 1
    return shown, False


@pytest.mark.parametrize("period", [1, 2, 7, 64, 127, 128])
def test_a_passage_again_and_again_is_a_loop_and_ends_where_it_ends_token_by_token(period: int):
    beginning = [1000 + n for n in range(50)]
    tokens = beginning + [n for _ in range(1000) for n in range(period)][:1000]
    shown, loops = fed(tokens, [1])
    assert loops
    assert len(shown) <= len(beginning) + max(256, 4 * period) + 32
    for widths in ([2], [3, 1, 16], [64], [5, 7, 40]):
        assert fed(tokens, widths) == (shown, True)


def test_what_differs_now_and_then_is_no_loop():
    draw = random.Random(1)
    assert not fed([draw.randrange(5) for _ in range(3000)], [4])[1]
    rows = [token for row in range(100) for token in (1, 2, 3, 10 + row, 4)]
    assert fed(rows, [4]) == (rows, False)
    assert not fed([7] * 255, [1])[1]
    assert not goes_round([])


@pytest.mark.model
def test_the_real_model_that_goes_round_is_ended_with_a_word_and_only_where_that_is_wanted(smollm2_path: Path):
    question = (Message("user", "What is the capital of France?"),)
    with closing(Engine(smollm2_path, EngineOptions(n_ctx=2048, history=False))) as engine:
        for _ in engine.load():
            pass
        events = list(engine.generate(Request(messages=question, end_loops=True, learn=False)))
        done = events[-1]
        assert isinstance(done, Done)
        assert done.finish_reason == "stop"
        assert done.timings.predicted_n < 700
        assert [event.text for event in events if isinstance(event, Notice)] == [
            "The answer ends here: it said the same over and over."
        ]
        n = done.timings.predicted_n + 100
        events = list(engine.generate(Request(messages=question, max_tokens=n, learn=False)))
        assert isinstance(events[-1], Done)
        assert events[-1].finish_reason == "length"
        assert sum(isinstance(event, Text) for event in events) > 0
