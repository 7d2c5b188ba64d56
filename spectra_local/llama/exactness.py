"""Whether a context's logits are the same bits however many tokens one decode takes: what exact mode stands on.

On CPU they are with flash attention, a q8_0 KV cache, unrepacked weights and without tiled products (measured for
Q4_0, Q4_1, Q4_K and Q8_0 at widths 2 to 16); other backends change kernels with the width. Believed only when seen.
"""

import numpy as np

from spectra_local.llama.context import WIDEST_EXACT, Context

_N_ROUNDS = 2  # the second one starts behind the cells that the first one's drafts left


def widths_agree(context: Context) -> bool:
    """Decodes the same tokens one by one, as a run and as a tree, and compares all bits. Clears the context."""
    tokens = [(7919 * i) % (context.model.n_vocab - 100) + 50 for i in range(_N_ROUNDS * WIDEST_EXACT)]
    context.clear()
    expected = []
    for token in tokens:
        context.decode(token)
        expected.append(context.logits().copy())
        context.commit()
    context.clear()
    for start in range(0, len(tokens), WIDEST_EXACT):
        token, *run = tokens[start : start + WIDEST_EXACT]
        half = len(run) // 2
        # The first half of the run below the root, and beside each of its nodes a branch that is wrong.
        drafted, parents = run[:half] + tokens[:half], [*range(-1, half - 1), *range(-1, half - 1)]
        context.decode(token, drafted, parents)
        rows = [context.logits(row).copy() for row in range(half + 1)]
        context.commit(range(half))
        token, *rest = run[half:]
        context.decode(token, rest, range(-1, len(rest) - 1))
        rows += [context.logits(row).copy() for row in range(len(rest) + 1)]
        context.commit(range(len(rest)))
        if not np.array_equal(rows, expected[start : start + len(rows)]):
            context.clear()
            return False
    context.clear()
    return True
