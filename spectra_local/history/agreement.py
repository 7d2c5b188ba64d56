"""How many tokens before a place equal the end of a context. Knows token ids as bytes (<i4), not where they lie.

Tokens are compared as whole numbers: the highest bit in which two differ tells where they part, at the speed of C.
"""

import struct
from collections.abc import Callable, Sequence

_REACHES = (24, 72, 256)  # tokens compared at first, and then: most matches are shorter than one of them
_FAR = _REACHES[-1]
_BYTES, _BITS = 4, 32  # of a token

Read = Callable[[int, int], "bytes | memoryview"]  # the tokens from one position up to another, not included


class End:
    """The end of a context, made ready for being compared with many places."""

    def __init__(self, context: Sequence[int]) -> None:
        self._context = context
        self._ends: list[_Last] = []  # by reach, as far as they were needed

    def agreement(self, read: Read, at: int, *, long: bool = False) -> int:
        """Equal tokens before position ``at`` of the text that ``read`` gives; ``long``: many are to be expected."""
        ends = self._ends
        for i in range(1 if long else 0, len(_REACHES)):
            while len(ends) <= i:
                ends.append(_Last(self._context[-_REACHES[len(ends)] :]))
            length = ends[i].agreement(read, at)
            if length < _REACHES[i]:
                return length
        return self._whole(read, at)

    def _whole(self, read: Read, at: int) -> int:
        """Of a match of ``_FAR`` tokens or more: in growing steps, then in shrinking ones."""
        end = len(self._context)
        limit, length, step, growing = min(at, end), _FAR, _FAR, True
        while step:
            ours = self._context[end - length - step : end - length] if length + step <= limit else []
            if ours and read(at - length - step, at - length) == _packed(ours):
                length += step
                step = step * 2 if growing else step // 2
            else:
                growing = False
                step //= 2
        return length


class _Last:
    """Some last tokens as one number, the very last highest."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._n = len(tokens)
        self._number = int.from_bytes(_packed(tokens), "little")

    def agreement(self, read: Read, at: int) -> int:
        n = min(at, self._n)
        differing = int.from_bytes(read(at - n, at), "little") ^ (self._number >> _BITS * (self._n - n))
        return n - (differing.bit_length() + _BITS - 1) // _BITS


def _packed(tokens: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(tokens)}i", *tokens)
