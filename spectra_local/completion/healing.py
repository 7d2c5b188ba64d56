"""Token healing: an answer that begins inside a word, without the seam that cutting the word there would leave.

A model has hardly ever seen " clos" followed by "est": it was trained on " closest". So the last token of what was
typed is taken back, and the first tokens of the answer are the likeliest of those that spell it (as in guidance-ai's
guidance). Knows a context and pieces of tokens; not why something was typed.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from spectra_local.llama.context import Context

_MOST_LOOKED_AT = 512  # likeliest tokens among which one must agree; else the text as it was typed is as good
_MOST_STEPS = 3  # tokens that may spell what was taken back: each costs a pass


class Healing:
    """Chooses the tokens in place of a prompt's last one. ``prompt`` and ``surplus`` are the result of ``run``."""

    def __init__(self, context: Context, prompt: list[int]) -> None:
        self._context = context
        self._model = context.model
        self._rest = self._model.piece(prompt[-1])
        self._as_typed = prompt
        self.prompt = prompt[:-1]
        self.surplus = b""  # what the chosen tokens say beyond what was typed

    def run(self) -> Iterator[tuple[int, int, int]]:
        """Yields progress as Context.prefill does, then sets ``prompt`` and ``surplus``. Raises what that raises."""
        if not self._rest or not self.prompt:
            self.prompt = self._as_typed
            return
        for _ in range(_MOST_STEPS):
            yield from self._context.prefill(self.prompt)
            token = self._likeliest(self._context.logits(0))
            if token is None:
                break
            self.prompt.append(token)
            piece = self._model.piece(token)
            if len(piece) >= len(self._rest):
                self.surplus = piece[len(self._rest) :]
                return
            self._rest = self._rest[len(piece) :]
        self.prompt, self.surplus = self._as_typed, b""

    def _likeliest(self, logits: NDArray[np.float32]) -> int | None:
        """The likeliest token that begins with what is to be spelt, or spells its beginning."""
        most = min(_MOST_LOOKED_AT, len(logits))
        ids = np.argpartition(-logits, most - 1)[:most]
        for token in ids[np.argsort(-logits[ids], kind="stable")].tolist():
            piece = self._model.piece(token)
            if piece and (piece.startswith(self._rest) or self._rest.startswith(piece)):
                return int(token)
        return None
