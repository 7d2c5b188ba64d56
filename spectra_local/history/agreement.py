"""How many tokens before a place equal the end of a context. Knows token ids as bytes (<i4), not where they lie.

Tokens are compared as whole numbers: the highest bit in which two differ tells where they part, at the speed of C.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cached_property

_NEAR, _FAR = 24, 256  # tokens compared at first, and then: most matches are shorter than the one, or the other
_BYTES, _BITS = 4, 32  # of a token

Read = Callable[[int, int], "bytes | memoryview"]  # the tokens from one position up to another, not included


class End:
    """The end of a context, made ready for being compared with many places."""

    def __init__(self, context: Sequence[int]) -> None:
        self._context = context
        self._near = _Last(context[-_NEAR:])

    def agreement(self, read: Read, at: int, *, long: bool = False) -> int:
        """Equal tokens before position ``at`` of the text that ``read`` gives; ``long``: many are to be expected."""
        if not long and (length := self._near.agreement(read, at)) < _NEAR:
            return length
        length = self._far.agreement(read, at)
        return length if length < _FAR else self._whole(read, at)

    @cached_property
    def _far(self) -> "_Last":
        return _Last(self._context[-_FAR:])

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
