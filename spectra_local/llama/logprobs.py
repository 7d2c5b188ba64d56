"""How likely the model found tokens: the log-softmax of its own logits, before any sampler changes them."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from spectra_local.llama.context import Context
from spectra_local.llama.model import Model
from spectra_local.protocol import Likely, TokenLogprobs

_LEAST = -9999.0  # in place of minus infinity, for which JSON has no word


class Logprobs:
    """Tells of each token its logprob and those of the ``n_top`` likeliest at its place."""

    def __init__(self, model: Model, n_top: int) -> None:
        self._model, self._n_top = model, min(n_top, model.n_vocab)

    def of(self, token: int, logits: NDArray[np.float32]) -> TokenLogprobs:
        """``logits`` (n_vocab,): the row that ``token`` was drawn from. Of equal tokens the first comes first."""
        row = logits.astype(np.float64)
        row -= row.max()
        row -= np.log(np.exp(row).sum())
        likeliest: list[int] = []
        if self._n_top:
            least = np.partition(row, -self._n_top)[-self._n_top]
            ids = np.flatnonzero(row >= least)
            likeliest = ids[np.argsort(-row[ids], kind="stable")][: self._n_top].tolist()
        return TokenLogprobs(self._likely(token, row), tuple(self._likely(each, row) for each in likeliest))

    def of_prompt(self, context: Context, tokens: Sequence[int]) -> Iterator[TokenLogprobs]:
        """Reads all but the last of ``tokens`` into ``context`` anew, and tells of each but the first.

        Raises DecodeAbortedError, ContextFullError, MemoryShortageError.
        """
        context.clear()
        start, n = 0, len(tokens) - 1
        while start < n:
            piece = tokens[start : min(n, start + context.widest)]
            context.decode(piece[0], piece[1:], range(-1, len(piece) - 2))
            for row in range(len(piece)):
                yield self.of(tokens[start + row + 1], context.logits(row))
            context.commit(range(len(piece) - 1))
            start += len(piece)

    def first(self, token: int) -> TokenLogprobs:
        """Of a token that nothing stands before."""
        return TokenLogprobs(Likely(tuple(self._model.named_piece(token)), None))

    def _likely(self, token: int, row: NDArray[np.float64]) -> Likely:
        logprob = float(row[token])
        return Likely(tuple(self._model.named_piece(token)), logprob if logprob > _LEAST else _LEAST)
