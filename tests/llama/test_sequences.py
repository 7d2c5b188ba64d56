"""Sequences and cells of the KV cache after answers that ended early: none is left but the conversation's own."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from spectra_local.engine import Engine
from spectra_local.llama.context import N_SEQ
from spectra_local.llama.native import lib
from spectra_local.protocol import Done, EngineOptions, PromptProgress, Request, Text

pytestmark = pytest.mark.model
_N_CTX = 128


@pytest.fixture
def engine(smollm2_path: Path, spectra_home: Path) -> Iterator[Engine]:
    engine = Engine(smollm2_path, EngineOptions(n_ctx=_N_CTX, history=False))
    list(engine.load())
    yield engine
    engine.close()


def sequences(engine: Engine) -> list[int]:
    """Those that hold cells."""
    memory = lib.llama_get_memory(engine.context.handle)
    return [s for s in range(N_SEQ) if lib.llama_memory_seq_pos_max(memory, s) >= 0]


def test_answers_that_end_early_leave_one_sequence_and_all_other_cells_free(engine: Engine) -> None:
    chance = random.Random(5)
    for number in range(12):
        prompt = f"{number}. The cat sat on the mat. The cat sat on the hat. The cat"
        events = engine.generate(Request(prompt=prompt, max_tokens=16))
        for _ in range(chance.randrange(1, 12)):
            if isinstance(next(events, None), PromptProgress) and number % 3 == 0:
                engine.cancel()
        events.close()
        assert len(sequences(engine)) == bool(engine.context.tokens)
    full = list(engine.generate(Request(prompt="0 " * (_N_CTX // 2 - 4), max_tokens=_N_CTX)))
    assert isinstance(full[-1], Done)
    assert full[-1].n_past >= _N_CTX - 2
    assert any(isinstance(event, Text) for event in full)
    assert len(sequences(engine)) == 1
