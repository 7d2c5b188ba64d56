"""How far two ways to evaluate the same text may part: what a test may ask for without exact mode.

llama.cpp's kernels, and with them the last bits, depend on how many tokens a pass takes, on the kind of attention and
on the processor. Logits differed by 0.4 to 0.9 between passes of different widths and by up to 1.6 between the two
kinds of attention (Sapphire Rapids without AMX); where a near-tie falls the other way, a greedy text goes on
otherwise. So texts of different passes are compared by their logits, with the same tokens put in on both sides. The
same passes over the same cells give the same bits on every machine, and texts of those are compared as they are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectra_local.llama.context import Context

ROUNDING = 3.0  # logits may differ by less; a wrong mask or position, or another text's cells, give 10 and more


class Said(NamedTuple):
    """A greedy text, and the logits that each of its tokens was taken from."""

    tokens: list[int]
    logits: list[NDArray[np.float32]]


def say(context: Context, n: int) -> Said:
    """The next ``n`` tokens, one a pass; the context's last logits are the start. The last one is not evaluated."""
    logits = [context.logits().copy()]
    tokens = [int(logits[0].argmax())]
    while len(tokens) < n:
        context.decode(tokens[-1])
        logits.append(context.logits().copy())
        context.commit()
        tokens.append(int(logits[-1].argmax()))
    return Said(tokens, logits)


def difference(context: Context, said: Said) -> float:
    """Has ``context`` say that too, token by token; the largest difference of the logits from its last ones on."""
    return max(float(np.abs(context.logits() - said.logits[0]).max()), difference_below(context, said))


def difference_below(context: Context, said: Said) -> float:
    """The same without its last logits, which are another text's: from the first token on, on what the cells hold."""
    largest = 0.0
    for token, expected in zip(said.tokens, said.logits[1:], strict=False):  # nothing follows the last token
        context.decode(token)
        largest = max(largest, float(np.abs(context.logits() - expected).max()))
        context.commit()
    return largest
