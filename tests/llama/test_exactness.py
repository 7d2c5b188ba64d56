"""Exact mode on the real model: text with and without speculation is the same bytes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from spectra_local.engine import Engine
from spectra_local.llama.exactness import widths_agree
from spectra_local.protocol import Done, EngineOptions, Message, Request, Sampling, Text

pytestmark = pytest.mark.model

QUESTIONS = [
    "Repeat three times: the quick brown fox jumps over the lazy dog.",
    "Write a Python function that adds two numbers, then write it again with type hints.",
    "List the days of the week, then list them again in reverse order.",
]


@pytest.fixture(scope="module")
def engine(smollm2_path: Path, module_home: Path) -> Iterator[Engine]:
    engine = Engine(smollm2_path, EngineOptions(exact=True, n_ctx=2048))
    list(engine.load())
    yield engine
    engine.close()


def answer(engine: Engine, question: str, sampling: Sampling, *, speculate: bool) -> tuple[str, Done]:
    request = Request(messages=(Message("user", question),), sampling=sampling, max_tokens=64, speculate=speculate)
    events = list(engine.generate(request))
    assert isinstance(events[-1], Done)
    return "".join(e.text for e in events if isinstance(e, Text)), events[-1]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.8, seed=11)], ids=["greedy", "sampled"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_text_with_speculation_is_the_plain_text(engine: Engine, question: str, sampling: Sampling) -> None:
    plain, _ = answer(engine, question, sampling, speculate=False)
    assert answer(engine, question, sampling, speculate=True)[0] == plain
    assert answer(engine, question, sampling, speculate=True)[0] == plain  # now with what the first run taught


def test_after_a_cancel_the_next_answer_is_a_fresh_ones(engine: Engine) -> None:
    expected, _ = answer(engine, QUESTIONS[0], Sampling(), speculate=True)
    for event in engine.generate(Request(messages=(Message("user", "Write a long poem about the sea."),))):
        if isinstance(event, Text):
            engine.cancel()
    assert answer(engine, QUESTIONS[0], Sampling(), speculate=True)[0] == expected


class WobblyContext:
    """A backend whose last bits depend on the width of the batch."""

    model = type("Vocabulary", (), {"n_vocab": 1000})

    def __init__(self, wobble: float) -> None:
        self._wobble = wobble

    def decode(self, token: int, drafted: Sequence[int] = (), parents: Sequence[int] = ()) -> None:
        self._tokens = [token, *drafted]

    def logits(self, row: int = 0) -> NDArray[np.float32]:
        return np.full(4, self._tokens[row] + self._wobble * len(self._tokens), np.float32)

    def commit(self, path: Sequence[int] = ()) -> None:
        pass

    def clear(self) -> None:
        pass


def test_the_self_test_sees_a_backend_that_rounds_by_width() -> None:
    assert widths_agree(WobblyContext(0.0))  # type: ignore[arg-type]
    assert not widths_agree(WobblyContext(0.01))  # type: ignore[arg-type]
