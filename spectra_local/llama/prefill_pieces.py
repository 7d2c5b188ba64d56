"""In pieces of how many tokens a prompt is read."""

from collections.abc import Iterator
from itertools import chain, repeat

PREFILL_BATCH = 512  # llama.cpp's own micro-batch
# On a CPU smaller pieces cost nothing, and what a cancelled request has read stays read, progress is seen, and another
# request need not wait long. Milliseconds a token on two busy cores by 8, 16, 32, 64, 128, 512: SmolLM2 22, 13, 11, 13,
# 13, 14; 1.5B parameters, up to 256: 52, 32, 28, 38, 52, 48.
CPU_BATCH = 64
SMALL_BATCH = 32  # into a small cache with flash attention: from 64 on there is a kernel that rounds otherwise
# Of a few tokens that were typed on first a piece that is read before the next key cancels it (0.2 s with 1.5B): else
# who types on would never be caught up with. Then pieces of half a second.
_TYPED_MOST, _TYPED_FIRST, _TYPED_BATCH = 64, 4, 16


def piece_sizes(reused: int, todo: int, *, most: int) -> Iterator[int]:
    """For ``todo`` tokens after ``reused`` that were read before; ``most`` in a piece. Without end."""
    if reused and todo <= _TYPED_MOST and most <= CPU_BATCH:
        return chain((_TYPED_FIRST,), repeat(_TYPED_BATCH))
    return repeat(most)
