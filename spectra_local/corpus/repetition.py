"""Text that says nothing new: near copies of what was read before, and text that repeats itself. Knows token ids.

A pure perplexity filter favours both, since nothing is easier to foresee.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SHINGLE = 8  # tokens: a phrase, not a word
_SLOTS = 1 << 27  # bits, 16 MB whatever is read; ten million shingles fill 7 %
_COPY = 0.8  # share of a chunk's shingles read before, from which it is a near copy
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, multiplicative hashing)
_PHRASE = 4
_DEGENERATE = 0.4  # share of different 4-grams; code and prose have 0.7 and more, a table of zeros 0.05


class Read:
    """Which shingles were read so far, as one bit for each hash of one (a Bloom filter with one hash)."""

    def __init__(self) -> None:
        self._bits = np.zeros(_SLOTS // 8, np.uint8)

    def is_copy(self, tokens: Sequence[int]) -> bool:
        """Whether nearly all of it was read before. If not, it has been read now."""
        slots = _hashes(tokens, min(_SHINGLE, len(tokens))) >> np.uint64(64 - 27)
        places, bits = (slots >> np.uint64(3)).astype(np.int64), np.left_shift(1, slots & np.uint64(7)).astype(np.uint8)
        if np.mean((self._bits[places] & bits) != 0) >= _COPY:
            return True
        np.bitwise_or.at(self._bits, places, bits)
        return False


def is_degenerate(tokens: Sequence[int]) -> bool:
    """Whether it is the same few phrases over and over."""
    phrases = _hashes(tokens, min(_PHRASE, len(tokens)))
    return len(np.unique(phrases)) < _DEGENERATE * len(phrases)


def _hashes(tokens: Sequence[int], n: int) -> NDArray[np.uint64]:
    ids = np.array(tokens, np.int64).astype(np.uint64) + np.uint64(1)
    count = len(ids) - n + 1
    value = np.zeros(count, np.uint64)
    for i in range(n):
        value = (value ^ ids[i : i + count]) * _MULTIPLIER
        value ^= value >> np.uint64(29)
    return value * _MULTIPLIER
