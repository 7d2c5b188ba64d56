"""A history of any size for measuring: variations of recorded texts among text drawn by Zipf's law.

Knows token ids. Real histories repeat themselves in pieces, slightly changed, and most of what is in them is used
once; neither uniform noise nor one text over and over would load an index like that.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from spectra_local.bench.replay import Run

_TURN = 400  # tokens of a turn, median; questions are shorter, answers and pasted files longer
_SPREAD = 0.8  # standard deviation of the logarithm of that
_PIECE = 20, 200  # tokens taken from one place
_REPEATED = 0.5  # share of pieces that vary what was written before
_CHANGED = 0.02  # share of tokens changed in those
_ZIPF_OFFSET = 2.7  # Zipf-Mandelbrot: the first ranks of natural text are flatter than 1 / rank
_MADE_RECORDS, _PHRASES = 60, 600  # where nothing recorded is at hand

Tokens = NDArray[np.int32]


class ZipfTokens:
    """Tokens whose frequencies fall as those of words do; which token is frequent is drawn once."""

    def __init__(self, n_vocab: int, rng: np.random.Generator) -> None:
        weights = 1.0 / (np.arange(n_vocab) + _ZIPF_OFFSET)
        self._below = np.cumsum(weights / weights.sum())
        self._ids = rng.permutation(n_vocab).astype(np.int32)
        self._rng = rng

    def draw(self, n: int) -> Tokens:
        """(n,) token ids."""
        ranks = np.minimum(self._below.searchsorted(self._rng.random(n)), len(self._ids) - 1)
        drawn: Tokens = self._ids[ranks]
        return drawn


def made_turns(records: Sequence[Tokens], n_vocab: int, n_tokens: int, seed: int = 0) -> Iterator[Tokens]:
    """Turns of ``n_tokens`` together: pieces of ``records`` with some tokens changed, and text that is new."""
    rng = np.random.default_rng(seed)
    zipf = ZipfTokens(n_vocab, rng)
    long_enough = [record for record in records if len(record) > _PIECE[0]]
    while n_tokens > 0:
        length = int(np.clip(rng.lognormal(np.log(_TURN), _SPREAD), 8, 8 * _TURN))
        length = min(length, n_tokens)
        pieces: list[Tokens] = []
        missing = length
        while missing > 0:
            piece = _piece(long_enough, zipf, rng, min(missing, int(rng.integers(*_PIECE))))
            pieces.append(piece)
            missing -= len(piece)
        yield np.concatenate(pieces)
        n_tokens -= length


def _piece(records: Sequence[Tokens], zipf: ZipfTokens, rng: np.random.Generator, n: int) -> Tokens:
    if rng.random() >= _REPEATED or not records:
        return zipf.draw(n)
    record = records[int(rng.integers(len(records)))]
    start = int(rng.integers(len(record)))
    piece = record[start : start + n].copy()
    changed = rng.random(len(piece)) < _CHANGED
    piece[changed] = zipf.draw(int(changed.sum()))
    return piece


def made_records(n_vocab: int, seed: int = 1) -> list[Tokens]:
    """Texts made of recurring phrases, for want of recorded ones."""
    rng = np.random.default_rng(seed)
    zipf = ZipfTokens(n_vocab, rng)
    phrases = [zipf.draw(int(rng.integers(4, 30))) for _ in range(_PHRASES)]
    order = ZipfTokens(_PHRASES, rng)
    return [np.concatenate([phrases[i] for i in order.draw(40)]) for _ in range(_MADE_RECORDS)]


def as_record(run: Run) -> Tokens:
    """A recorded request as one text."""
    return np.array([*run.prompt, *run.generated], np.int32)


def as_runs(records: Iterable[Tokens]) -> list[Run]:
    """Texts as requests that are answered by their second half."""
    runs = []
    for record in records:
        half, tokens = len(record) // 2, record.tolist()
        runs.append(Run("made", tokens[:half], tokens[half:], [([token], [1.0]) for token in tokens[half:]]))
    return runs


def n_vocab_of(runs: Iterable[Run]) -> int:
    """The least vocabulary that holds all their tokens."""
    return 1 + max(chain.from_iterable(chain(run.prompt, run.generated) for run in runs))
