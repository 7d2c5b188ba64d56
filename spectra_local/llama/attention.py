"""Which attention is the faster one on this CPU: flash attention, which llama.cpp takes by itself, or the plain one.

Its flash kernel for CPUs takes one query at a time, without a matrix product, so much depends on the instructions there
are. One token after 1,024 others without it, as a share of the time with it, two cores with AVX2: 0.67 (SmolLM2, 135M),
0.90 (1.5B); eight tokens after 4,096: 0.38 and 0.70. With AVX-512, after 256: 1.03 to 1.12. So it is measured.

Plain attention rounds a pass over one token otherwise than wider ones, and so does flash attention in caches of more
than 256 cells. In smaller ones it does not, in passes of fewer than 64 tokens; with weights that are not repacked short
answers can then be the same to the bit with speculation and without. That is kept.
"""

import time
from contextlib import ExitStack, closing
from statistics import median

import numpy as np
from numpy.typing import NDArray

from spectra_local.errors import SpectraError
from spectra_local.llama import kv_state
from spectra_local.llama.context import ALWAYS, FIRST_N_CTX, Context
from spectra_local.llama.memory import available_bytes, kv_bytes
from spectra_local.llama.model import Model
from spectra_local.llama.native import AbortFlag, lib

SHORT = 256  # cells: llama.cpp computes over multiples of it, and its kernel for one token differs from twice that on
NEVER = 0
ANSWERS = (NEVER, SHORT, ALWAYS)

_BUFFERS = 500_000_000  # bytes beside the caches that contexts take while they are compared, and some for others
_TIMED = 64  # cells that are left for the passes that are timed
_COPIED = 64  # cells that are copied at once, at most
_SECONDS = 0.5
_LEAST_PAIRS, _MOST_PAIRS = 3, 24
_COMPARED = 4  # tokens; repacked weights are multiplied by so many at once
_BEFORE = 96  # tokens, after which plain attention rounds otherwise too
_ROUNDING = 3.0  # logits may differ by, between the two kinds; measured: 0.5 to 1


def flash_cells(model: Model, abort: AbortFlag, n_threads: int) -> int | None:
    """The largest cache for which flash attention is to be taken: ALWAYS, SHORT or NEVER.

    Times passes over one token in turn, both ways, behind a context of common length: about a second with 1.5B
    parameters. ALWAYS, llama.cpp's choice, also where caches cannot be compared; None where there is no memory for
    that now. Raises DecodeAbortedError.
    """
    free, needed = available_bytes(), kv_bytes(2 * FIRST_N_CTX, model.header.kv_elements_per_token)
    if free is not None and free < needed + _BUFFERS:
        return None
    try:
        with ExitStack() as open_ones:

            def context(n_ctx: int, flash: bool) -> Context:
                made = Context(model, abort, n_ctx=n_ctx, n_threads=n_threads, flash_cells=ALWAYS if flash else NEVER)
                return open_ones.enter_context(closing(made))

            flash, plain = context(FIRST_N_CTX, True), context(FIRST_N_CTX, False)
            n_cells = FIRST_N_CTX - _TIMED
            if not (fill(flash, n_cells) and fill(plain, n_cells)) or ratio(plain, flash) > 1.0:
                return ALWAYS
            short = context(SHORT, True)
            return SHORT if widths_agree(short) and _can_change(short, plain) else NEVER
    except SpectraError:
        return None


def fill(context: Context, n_cells: int) -> bool:
    """Fills the cache with copies of one token, which takes one pass. False where the cache cannot be copied."""
    context.clear()
    context.reserve(n_cells + _TIMED)
    seconds(context)
    memory, n_filled, n_copied = lib.llama_get_memory(context.handle), 1, 0
    state = kv_state.saved(context.handle, 0, transposed=not context.flash)
    while n_filled + n_copied <= n_cells:
        if n_filled <= _COPIED:
            n_copied, state = n_filled, kv_state.saved(context.handle, 0, transposed=not context.flash)
        if not kv_state.restore(context.handle, 1, state, transposed=state.transposed):
            return False
        lib.llama_memory_seq_cp(memory, 1, 0, -1, -1)
        lib.llama_memory_seq_rm(memory, 1, -1, -1)
        n_filled += n_copied
    return True


def ratio(one: Context, other: Context, width: int = 1) -> float:
    """The time of a pass in ``one`` over that in ``other``: the median of pairs, since a machine's speed changes."""
    for context in (one, other):
        seconds(context, width)  # the first pass over so many cells allocates
    ratios: list[float] = []
    started = time.perf_counter()
    while len(ratios) < _LEAST_PAIRS or (len(ratios) < _MOST_PAIRS and time.perf_counter() - started < _SECONDS):
        both = (one, other) if len(ratios) % 2 else (other, one)
        taken = {context.flash: seconds(context, width) for context in both}
        ratios.append(taken[one.flash] / taken[other.flash])
    return median(ratios)


def seconds(context: Context, width: int = 1) -> float:
    """Of one pass over ``width`` tokens, of which the first is kept."""
    started = time.perf_counter()
    context.decode(0, [0] * (width - 1), range(-1, width - 2))
    taken = time.perf_counter() - started
    context.commit()
    return taken


def widths_agree(context: Context) -> bool:
    """Whether a pass over some tokens gives the logits of passes over one, to the bit; at the beginning, which tells
    of most weights already, and further on."""
    return all(
        np.array_equal(_logits(context, n_before, 1), _logits(context, n_before, _COMPARED))
        for n_before in (0, _BEFORE)
    )


def _logits(context: Context, n_before: int, width: int) -> list[NDArray[np.float32]]:
    """Of some tokens after ``n_before`` others, ``width`` in a pass."""
    context.clear()
    list(context.prefill(range(200, 200 + n_before), logits=False))
    rows = []
    for start in range(100, 100 + _COMPARED, width):
        context.decode(start, range(start + 1, start + width), range(-1, width - 2))
        rows += [context.logits(row).copy() for row in range(width)]
        context.commit(range(width - 1))
    return rows


def _can_change(short: Context, plain: Context) -> bool:
    """Whether what ``short`` reads can be gone on from with the other kind of attention."""
    list(short.prefill(range(200, 200 + _BEFORE), logits=False))
    held = short.set_aside()
    rows = []
    try:
        for context in (short, plain):
            context.bring_back(held)
            context.decode(0)
            rows.append(context.logits().copy())
            context.commit()
    except SpectraError:
        return False
    return bool(np.abs(rows[0] - rows[1]).max() < _ROUNDING)
