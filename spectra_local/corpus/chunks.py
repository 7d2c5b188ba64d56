"""Cuts a text into chunks that are scored and kept each for itself. Works on token ids and what each stands for.

A chunk ends at a blank line where there is one, else at a line's end: what belongs together stays together, and a
change in one place of a file leaves most other chunks as they were.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np

LEAST, MOST = 64, 256  # tokens of a chunk; a function, a paragraph or two
TINY = 16  # fewer tokens are no text to judge


def cut(tokens: Sequence[int], piece: Callable[[int], bytes]) -> Iterator[tuple[int, int]]:
    """(start, end) of each chunk, in order and without gaps; a last piece below ``TINY`` tokens is left out."""
    places = [0]
    line, before = 0, b""
    for at, token in enumerate(tokens, 1):
        said = piece(token)
        if said.endswith(b"\n"):
            line = at
            blank = said.endswith(b"\n\n") or (said == b"\n" and before.endswith(b"\n"))
            if blank and at - places[-1] >= LEAST:
                places.append(at)
        if at - places[-1] >= MOST:
            places.append(line if line - places[-1] >= LEAST else at)
        before = said
    if len(tokens) - places[-1] >= TINY:
        places.append(len(tokens))
    yield from pairwise(places)


def digest(tokens: Sequence[int]) -> bytes:
    """What tells a chunk from any other, 16 bytes."""
    return blake2b(np.array(tokens, "<i4").tobytes(), digest_size=16).digest()
