from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from fakes.rounding import ROUNDING
from numpy.typing import NDArray

from spectra_local.llama import attention, kv_state, native
from spectra_local.llama.attention import NEVER, SHORT
from spectra_local.llama.context import ALWAYS, FIRST_N_CTX, Context, DecodeAbortedError
from spectra_local.llama.model import Model
from spectra_local.llama.native import lib

pytestmark = pytest.mark.model

FASTER, SLOWER = 1.0, 2.0


def timed(monkeypatch: pytest.MonkeyPatch, flash: float, plain: float) -> None:
    monkeypatch.setattr(attention, "ratio", lambda one, other: plain / flash)


def test_flash_attention_stays_where_it_is_faster(
    smollm2: Model, abort: native.AbortFlag, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed(monkeypatch, flash=FASTER, plain=SLOWER)
    assert attention.flash_cells(smollm2, abort, 2) == ALWAYS


@pytest.mark.parametrize(("agree", "cells"), [(True, SHORT), (False, NEVER)])
def test_where_it_is_slower_it_stays_for_short_texts_that_it_makes_exact(
    smollm2: Model, abort: native.AbortFlag, monkeypatch: pytest.MonkeyPatch, agree: bool, cells: int
) -> None:
    timed(monkeypatch, flash=SLOWER, plain=FASTER)
    monkeypatch.setattr(attention, "widths_agree", lambda context: agree)
    assert attention.flash_cells(smollm2, abort, 2) == cells


class WobblyContext:
    """The last bits depend on the width of a pass behind so many tokens, as on some machines with some attention."""

    def __init__(self, exact_tokens: int) -> None:
        self._exact_tokens = exact_tokens

    def clear(self) -> None:
        self._n = 0

    def prefill(self, tokens: Sequence[int], *, logits: bool = True) -> Iterator[tuple[int, int, int]]:
        self._n = len(tokens)
        yield 0, self._n, self._n

    def decode(self, token: int, drafted: Sequence[int] = (), parents: Sequence[int] = ()) -> None:
        self._decoded = [token, *drafted]

    def logits(self, row: int = 0) -> NDArray[np.float32]:
        wide = len(self._decoded) > 1 and self._n + row >= self._exact_tokens
        return np.full(3, self._decoded[row] + 1e-3 * wide, np.float32)

    def commit(self, path: Sequence[int] = ()) -> None:
        self._n += 1 + len(path)


@pytest.mark.parametrize(("exact_tokens", "agree"), [(0, False), (2, False), (50, False), (100, True)])
def test_passes_that_round_otherwise_when_they_are_wide_are_seen_also_further_on(
    exact_tokens: int, agree: bool
) -> None:
    assert attention.widths_agree(WobblyContext(exact_tokens)) is agree  # type: ignore[arg-type]


def test_a_cache_whose_layout_is_not_known_does_not_change_its_attention(
    smollm2: Model, abort: native.AbortFlag, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(data: kv_state.Bytes, *, transposed: bool) -> kv_state.Bytes:
        raise ValueError("a state of another layout")

    timed(monkeypatch, flash=SLOWER, plain=FASTER)
    monkeypatch.setattr(attention, "widths_agree", lambda context: True)
    monkeypatch.setattr(kv_state, "with_values", unknown)
    assert attention.flash_cells(smollm2, abort, 2) == NEVER


def test_passes_are_timed_behind_a_context_that_is_all_but_full(context: Context) -> None:
    assert attention.fill(context, 960)
    per_token = lib.llama_state_seq_get_size(context.handle, 0) / FIRST_N_CTX
    context.clear()
    context.decode(0)
    context.commit()
    assert 0.9 < per_token / lib.llama_state_seq_get_size(context.handle, 0) < 1.0


def test_both_kinds_of_attention_say_the_same_but_for_rounding(
    smollm2: Model, abort: native.AbortFlag, story: list[int]
) -> None:
    rows = []
    for flash_cells in (ALWAYS, NEVER):
        context = Context(smollm2, abort, n_ctx=512, n_threads=2, flash_cells=flash_cells)
        list(context.prefill(story))
        context.decode(50, [60, 70, 80], [-1, 0, -1])
        rows.append(np.stack([context.logits(row).copy() for row in range(4)]))
        context.close()
    assert np.abs(rows[0] - rows[1]).max() < ROUNDING


def test_where_a_cache_cannot_be_copied_llama_cpps_choice_stays(
    smollm2: Model, abort: native.AbortFlag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lib, "llama_state_seq_set_data", lambda *_: 0)
    assert attention.flash_cells(smollm2, abort, 2) == ALWAYS


def test_with_little_memory_nothing_is_compared(
    smollm2: Model, abort: native.AbortFlag, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed(monkeypatch, flash=SLOWER, plain=FASTER)
    monkeypatch.setattr(attention, "available_bytes", lambda: 100_000_000)
    assert attention.flash_cells(smollm2, abort, 2) is None


def test_a_cancel_ends_the_measurement(smollm2: Model, abort: native.AbortFlag) -> None:
    abort.set()
    with pytest.raises(DecodeAbortedError):
        attention.flash_cells(smollm2, abort, 2)
    abort.clear()
