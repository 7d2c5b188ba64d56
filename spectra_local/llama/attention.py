"""Which attention is the faster one on this CPU: flash attention, which llama.cpp takes by itself, or the plain one.

Its flash kernel for CPUs takes one query at a time, without a matrix product, so much depends on the instructions there
are. One token after 1,024 others without it, as a share of the time with it, two cores with AVX2: 0.74 (SmolLM2, 135M),
0.90 (1.5B); eight tokens at once 0.65 and 0.89. With AVX-512, after 256: 1.03 to 1.12. So it is measured.
"""

import ctypes
import time
from contextlib import ExitStack, closing
from statistics import median

from spectra_local.errors import SpectraError
from spectra_local.llama.context import FIRST_N_CTX, Context
from spectra_local.llama.model import Model
from spectra_local.llama.native import AbortFlag, lib

_LEFT = 64  # cells of a context that are left for the passes that are timed
_BLOCK = 64  # cells that are copied at once
_SECONDS = 0.5
_LEAST_PAIRS, _MOST_PAIRS = 3, 24


def flash_is_faster(model: Model, abort: AbortFlag, n_threads: int) -> bool:
    """Times passes over one token in turn, both ways, behind a context of common length: less than a second up to some
    3B parameters. Where that is not possible, True: llama.cpp's choice. Raises DecodeAbortedError."""
    try:
        with ExitStack() as open_ones:
            flash, plain = (
                open_ones.enter_context(
                    closing(Context(model, abort, n_ctx=FIRST_N_CTX, n_threads=n_threads, flash=flash))
                )
                for flash in (True, False)
            )
            return not all(map(_fill, (flash, plain))) or _ratio(plain, flash) > 1.0
    except SpectraError:
        return True


def _fill(context: Context) -> bool:
    """Fills the cache with copies of one token, which takes one pass. False where the cache cannot be copied."""
    context.decode(0)
    context.commit()
    copy, memory, n_filled = 1, lib.llama_get_memory(context.handle), 1
    size, state = 0, (ctypes.c_uint8 * 0)()
    while n_filled + copy <= FIRST_N_CTX - _LEFT:
        if n_filled <= _BLOCK:
            copy = n_filled
            size = lib.llama_state_seq_get_size(context.handle, 0)
            state = (ctypes.c_uint8 * size)()
            lib.llama_state_seq_get_data(context.handle, state, size, 0)
        if not lib.llama_state_seq_set_data(context.handle, state, size, 1):
            return False
        lib.llama_memory_seq_cp(memory, 1, 0, -1, -1)
        lib.llama_memory_seq_rm(memory, 1, -1, -1)
        n_filled += copy
    return True


def _ratio(one: Context, other: Context) -> float:
    """The time of a pass in ``one`` over that in ``other``: the median of pairs, since a machine's speed changes."""
    for context in (one, other):
        _seconds(context)  # the first pass over so many cells allocates
    ratios: list[float] = []
    started = time.perf_counter()
    while len(ratios) < _LEAST_PAIRS or (len(ratios) < _MOST_PAIRS and time.perf_counter() - started < _SECONDS):
        both = (one, other) if len(ratios) % 2 else (other, one)
        taken = {id(context): _seconds(context) for context in both}
        ratios.append(taken[id(one)] / taken[id(other)])
    return median(ratios)


def _seconds(context: Context) -> float:
    started = time.perf_counter()
    context.decode(0)
    context.commit()
    return time.perf_counter() - started
