"""Which attention is the faster one on this CPU: flash attention, which llama.cpp takes by itself, or the plain one.

Its flash kernel for CPUs takes one query at a time, without a matrix product, so much depends on the instructions there
are. One token after 1,024 others without it, as a share of the time with it, two cores with AVX2: 0.67 (SmolLM2, 135M),
0.90 (1.5B); eight tokens after 4,096: 0.38 and 0.70. With AVX-512, after 256: 1.03 to 1.12. So it is measured.
"""

import ctypes
import time
from contextlib import ExitStack, closing
from statistics import median

from spectra_local.errors import SpectraError
from spectra_local.llama.context import FIRST_N_CTX, Context
from spectra_local.llama.model import Model
from spectra_local.llama.native import AbortFlag, lib

_TIMED = 64  # cells that are left for the passes that are timed
_COPIED = 64  # cells that are copied at once, at most
_SECONDS = 0.5
_LEAST_PAIRS, _MOST_PAIRS = 3, 24


def flash_is_faster(model: Model, abort: AbortFlag, n_threads: int) -> bool:
    """Times passes over one token in turn, both ways, behind a context of common length: about a second with 1.5B
    parameters. Where that is not possible, True: llama.cpp's choice. Raises DecodeAbortedError."""
    try:
        with ExitStack() as open_ones:
            flash, plain = (
                open_ones.enter_context(closing(_context(model, abort, n_threads, flash))) for flash in (True, False)
            )
            n_cells = FIRST_N_CTX - _TIMED
            return not (fill(flash, n_cells) and fill(plain, n_cells)) or ratio(plain, flash) > 1.0
    except SpectraError:
        return True


def _context(model: Model, abort: AbortFlag, n_threads: int, flash: bool) -> Context:
    return Context(model, abort, n_ctx=FIRST_N_CTX, n_threads=n_threads, flash=flash)


def fill(context: Context, n_cells: int) -> bool:
    """Fills the cache with copies of one token, which takes one pass. False where the cache cannot be copied."""
    context.clear()
    context.reserve(n_cells + _TIMED)
    seconds(context)
    memory, n_filled = lib.llama_get_memory(context.handle), 1
    n_copied, size, state = 0, 0, (ctypes.c_uint8 * 0)()
    while n_filled + n_copied <= n_cells:
        if n_filled <= _COPIED:
            n_copied, size = n_filled, lib.llama_state_seq_get_size(context.handle, 0)
            state = (ctypes.c_uint8 * size)()
            lib.llama_state_seq_get_data(context.handle, state, size, 0)
        if not lib.llama_state_seq_set_data(context.handle, state, size, 1):
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
