import numpy as np
import pytest

from spectra_local.llama import attention, native
from spectra_local.llama.context import FIRST_N_CTX, Context, DecodeAbortedError
from spectra_local.llama.model import Model
from spectra_local.llama.native import lib

pytestmark = pytest.mark.model


@pytest.mark.parametrize(("seconds", "is_faster"), [((1.0, 2.0), True), ((2.0, 1.0), False)])
def test_the_attention_that_takes_less_time_is_chosen(
    smollm2: Model,
    abort: native.AbortFlag,
    monkeypatch: pytest.MonkeyPatch,
    seconds: tuple[float, float],
    is_faster: bool,
) -> None:
    monkeypatch.setattr(attention, "seconds", lambda context, width=1: seconds[0 if context.flash else 1])
    assert attention.flash_is_faster(smollm2, abort, 2) is is_faster


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
    for flash in (True, False):
        context = Context(smollm2, abort, n_ctx=512, n_threads=2, flash=flash)
        list(context.prefill(story))
        context.decode(50, [60, 70, 80], [-1, 0, -1])
        rows.append(np.stack([context.logits(row).copy() for row in range(4)]))
        context.close()
    assert np.abs(rows[0] - rows[1]).max() < 1.0


def test_where_a_cache_cannot_be_copied_llama_cpps_choice_stays(
    smollm2: Model, abort: native.AbortFlag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lib, "llama_state_seq_set_data", lambda *_: 0)
    assert attention.flash_is_faster(smollm2, abort, 2)


def test_a_cancel_ends_the_measurement(smollm2: Model, abort: native.AbortFlag) -> None:
    abort.set()
    with pytest.raises(DecodeAbortedError):
        attention.flash_is_faster(smollm2, abort, 2)
    abort.clear()
