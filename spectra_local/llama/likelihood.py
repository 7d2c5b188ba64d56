"""How well a model foresees given text: the negative log-likelihood of a sample of its tokens, in batched passes.

Knows nothing of what the text is for. Of each text every ``STRIDE``-th token is looked at: the last layer's product
with the vocabulary is a quarter of a small model's work, and the mean over a chunk needs no more.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spectra_local.llama.context import MAX_LEAVES, Context
from spectra_local.llama.model import Model
from spectra_local.llama.native import AbortFlag
from spectra_local.llama.prefill_pieces import PREFILL_BATCH

STRIDE = 5
_ROWS = 16  # logits turned into probabilities at once: 10 MB with a vocabulary of 152 k

Likelihoods = NDArray[np.float32]


class _UnrelatedTexts(Context):
    """A context in which several texts are read at once."""

    def decode_apart(self, texts: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]]) -> None:
        """One pass over at most MAX_LEAVES texts of PREFILL_BATCH tokens together, none of which sees another.

        ``logits`` has then the rows of the positions wanted[i] of text i (at most MAX_WIDTH in all), counted through
        all texts. What the context held is forgotten, and nothing of this is kept. Raises DecodeAbortedError.
        """
        self.clear()
        tokens = [token for text in texts for token in text]
        self.reserve(len(tokens))
        depths = [at for text in texts for at in range(len(text))]
        sequences = [[number] for number, text in enumerate(texts) for _ in text]
        self._batch.fill_tree(tokens, depths, 0, sequences)
        self._batch.logits[: len(tokens)] = 0
        start = 0
        for text, positions in zip(texts, wanted, strict=True):
            self._batch.logits[[start + at for at in positions]] = 1
            start += len(text)
        self._borrowed = list(range(len(texts)))
        self._first_row = 0
        self._decode()
        self._borrowed = []


class Likelihood:
    """A context of its own over a loaded model: a chat's memory beside it stays as it is."""

    def __init__(self, model: Model, abort: AbortFlag, n_threads: int) -> None:
        """Raises MemoryShortageError."""
        self._begin = [model.bos] if model.add_bos else []
        self._context = _UnrelatedTexts(model, abort, n_ctx=PREFILL_BATCH, n_threads=n_threads)
        self._n_vocab = model.n_vocab
        self._rows = np.empty((_ROWS, model.n_vocab), np.float32)
        self.most_tokens = PREFILL_BATCH - len(self._begin)  # of a text

    def fits(self, lengths: Sequence[int]) -> bool:
        """Whether texts of these lengths go into one pass."""
        return len(lengths) <= MAX_LEAVES and sum(lengths) + len(self._begin) * len(lengths) <= PREFILL_BATCH

    def of(self, texts: Sequence[Sequence[int]]) -> list[Likelihoods]:
        """For each text the nats of each token, given those before it; NaN for those not looked at. One pass.

        They must fit. Raises DecodeAbortedError.
        """
        whole = [[*self._begin, *text] for text in texts]
        looked = [range(STRIDE - 1, len(tokens) - 1, STRIDE) for tokens in whole]
        self._context.decode_apart(whole, looked)
        found = [np.full(len(tokens), np.nan, np.float32) for tokens in whole]
        places = [(text, at + 1) for text, positions in enumerate(looked) for at in positions]
        starts = np.cumsum([0, *map(len, whole)]).tolist()
        for first in range(0, len(places), _ROWS):
            block = places[first : first + _ROWS]
            rows = [starts[text] + at - 1 for text, at in block]
            targets = [whole[text][at] for text, at in block]
            for (text, at), nats in zip(block, self._nats(rows, targets), strict=True):
                found[text][at] = nats
        return [nats[len(self._begin) :] for nats in found]

    def _nats(self, rows: Sequence[int], targets: Sequence[int]) -> Likelihoods:
        logits = self._rows[: len(rows)]
        for i, row in enumerate(rows):
            logits[i] = self._context.logits(row)
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(len(rows)), targets]
        np.exp(logits, out=logits)
        nats: Likelihoods = np.log(logits.sum(axis=1)) - chosen
        return nats

    def close(self) -> None:
        """Frees the context."""
        self._context.close()
