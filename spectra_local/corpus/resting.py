"""A scorer that rests while somebody else needs the machine, as lines from them say: "rest", "go on".

A pass that is under way is given up at once and made again later. The end of the lines ends the work.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spectra_local.corpus.building import Scorer
from spectra_local.llama.context import DecodeAbortedError

REST, GO_ON = "rest", "go on"


class Abort(Protocol):
    """Ends a pass that is under way; ``AbortFlag`` is one."""

    def set(self) -> None:
        """From now on."""
        ...

    def clear(self) -> None:
        """No more."""
        ...


class Resting:
    """See Scorer. ``of`` raises DecodeAbortedError where the lines have ended."""

    def __init__(self, scorer: Scorer, abort: Abort, lines: Iterable[str]) -> None:
        """``abort``: the scorer's. ``lines`` are read in a thread of its own."""
        self._scorer, self._abort = scorer, abort
        self.most_tokens = scorer.most_tokens
        self._may_work = threading.Event()
        self._may_work.set()
        self._ended = False
        threading.Thread(target=self._obey, args=(lines,), name="resting", daemon=True).start()

    def fits(self, lengths: Sequence[int]) -> bool:
        """See Scorer."""
        return self._scorer.fits(lengths)

    def of(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """See Scorer."""
        while not self._ended:
            self._may_work.wait()
            try:
                return self._scorer.of(texts)
            except DecodeAbortedError:
                continue
        raise DecodeAbortedError

    def _obey(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line.strip() == REST:
                self._may_work.clear()
                self._abort.set()
            elif line.strip() == GO_ON:
                self._abort.clear()
                self._may_work.set()
        self.end()

    def end(self) -> None:
        """As when the lines end. From any thread."""
        self._ended = True
        self._abort.set()
        self._may_work.set()
