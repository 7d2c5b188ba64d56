"""Makes a corpus: looks at what there is, lets the model score what is new, keeps the easiest as turns of a layer.

Each step reads the sources again instead of holding their text, so memory does not grow with them; each can be
interrupted and repeated. Knows the store and a way to score, no model and no screen.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spectra_local.corpus.chunks import digest
from spectra_local.corpus.documents import Document, Source, Vocabulary
from spectra_local.corpus.files import Skip
from spectra_local.corpus.records import Corpus, Records
from spectra_local.corpus.repetition import Read, is_degenerate
from spectra_local.history.secrets import scan
from spectra_local.history.turn import TOKEN, Turn

Progress = Callable[[int, int], None]  # tokens done, tokens in all

_NOTED_AT_ONCE = 1000  # chunks
_WRITTEN_AT_ONCE = 200  # turns: a transaction others wait for ends within some hundredths of a second
_UNFORESEEN = 100.0  # nats of a chunk of which nothing could be looked at: never kept before others
_SAVE_SECONDS = 2.0  # of scoring that a crash may cost, at most


class Scorer(Protocol):
    """A model that says how well it foresees texts; ``Likelihood`` is one."""

    most_tokens: int  # of a text

    def fits(self, lengths: Sequence[int]) -> bool:
        """Whether texts of these lengths go into one pass."""
        ...

    def of(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """For each text the nats of each token, NaN where it was not looked at; one pass."""
        ...


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk, or as much of one as fits a window."""

    digest: bytes
    tokens: list[int]
    is_last: bool


class Building:
    """One corpus on its way into the store."""

    def __init__(self, corpus: Corpus, records: Records, source: Source, vocabulary: Vocabulary) -> None:
        """``corpus`` as ``Records.begin`` returned it."""
        self._corpus, self._records, self._source, self._vocabulary = corpus, records, source, vocabulary
        self.is_new = True  # whether the survey found something else than what the store holds

    # --- looking -------------------------------------------------------------------------------------------------

    def survey(self, skip: Skip, progress: Callable[[int], None] = lambda files: None) -> Mapping[str, int]:
        """Notes every chunk worth scoring and returns what was counted: documents, skipped, tokens, copies, repetition
        and secrets (chunks left out because of them). ``skip`` hears of files that are not read.

        Ends where there is enough: of it the share to keep has as many tokens as may be kept."""
        seen: Counter[str] = Counter()
        read, digests, noted = Read(), set[bytes](), list[tuple[bytes, int]]()

        def skipped(path: str, reason: str) -> None:
            seen["skipped"] += 1
            skip(path, reason)

        enough, n_worth = self._corpus.max_tokens / self._corpus.keep, 0
        for document in self._source.documents(skipped):
            seen["documents"] += 1
            seen["tokens"] += len(document.tokens)
            for start, end in document.chunks:
                tokens = document.tokens[start:end]
                seen["chunks"] += 1
                if fault := self._fault(tokens, read):
                    seen[fault] += 1
                    continue
                digests.add(name := digest(tokens))
                noted.append((name, len(tokens)))
                n_worth += len(tokens)
            if len(noted) >= _NOTED_AT_ONCE:
                self._records.note(self._corpus, noted)
                noted.clear()
            progress(seen["documents"])
            if n_worth >= enough:
                break
        if not seen["documents"]:
            return seen  # a folder that is not there now may come back: its scores are worth keeping
        self._records.note(self._corpus, noted)
        gone = self._records.surveyed(self._corpus, digests, seen)
        is_whole = self._records.is_whole(self._corpus)
        self.is_new = (
            not self._corpus.finished or gone > 0 or not is_whole or bool(self._records.unscored(self._corpus))
        )
        return seen

    def _fault(self, tokens: list[int], read: Read) -> str:
        if is_degenerate(tokens):
            return "repetition"
        if read.is_copy(tokens):
            return "copies"
        return "secrets" if self._source.withholds_secrets and scan(self._vocabulary.text(tokens)) else ""

    # --- scoring -------------------------------------------------------------------------------------------------

    def score(self, scorer: Scorer, progress: Progress = lambda done, total: None) -> None:
        """Scores what has no score yet, a pass at a time; every pass is kept, so that it can be interrupted."""
        todo = self._records.unscored(self._corpus)
        total, done = sum(todo.values()), 0
        sums: dict[bytes, list[float]] = {}
        ready: dict[bytes, float] = {}
        saved = time.monotonic()
        progress(0, total)
        try:
            for windows in _passes(self._windows(todo, scorer.most_tokens), scorer):
                nats = scorer.of([[token for piece in window for token in piece.tokens] for window in windows])
                for window, values in zip(windows, nats, strict=True):
                    for name, mean in _means(window, values, sums):
                        if name in todo:  # others were there for what they say to their neighbours
                            ready[name] = mean
                            done += todo.pop(name)
                if time.monotonic() - saved > _SAVE_SECONDS:
                    self._records.score(self._corpus, ready)
                    ready.clear()
                    saved = time.monotonic()
                progress(done, total)
        finally:
            self._records.score(self._corpus, ready)

    def _windows(self, todo: Mapping[bytes, int], most: int) -> Iterator[list[_Piece]]:
        """Neighbouring chunks together, at most ``most`` tokens, where one of them is in ``todo``: it also sees those
        before it."""
        left = set(todo)  # what no window holds yet
        for document in self._source.documents(lambda path, reason: None):
            if not left:
                return
            window: list[_Piece] = []
            room = most
            for piece in _pieces(document, most):
                left.discard(piece.digest)
                if len(piece.tokens) > room:
                    if any(each.digest in todo for each in window):
                        yield window
                    window, room = [], most
                window.append(piece)
                room -= len(piece.tokens)
            if any(each.digest in todo for each in window):
                yield window

    # --- keeping -------------------------------------------------------------------------------------------------

    def keep(self, fingerprint: str, progress: Callable[[int], None] = lambda turns: None) -> int:
        """Writes the easiest chunks as turns for the tokenizer ``fingerprint``, neighbours as one; returns how many."""
        chosen = self._records.choose(self._corpus)
        self._records.clear(self._corpus)
        turns: list[Turn] = []
        n = 0
        for document in self._source.documents(lambda path, reason: None):
            for start, end in runs_of(document, chosen):
                turns.append(self._turn(document, start, end, fingerprint))
            if len(turns) >= _WRITTEN_AT_ONCE:
                self._records.add(turns)
                n += len(turns)
                progress(n)
                turns.clear()
            if not chosen:
                break
        self._records.add(turns)
        self._records.finish(self._corpus)
        return n + len(turns)

    def _turn(self, document: Document, start: int, end: int, fingerprint: str) -> Turn:
        tokens = document.tokens[start:end]
        text, beyond = document.said or (self._vocabulary.text(tokens), "")
        # Runs of one file are no neighbours: each is a conversation of its own, so that none runs into the next.
        name = document.name if document.said else f"{self._corpus.name}/{document.name}#{start}"
        return Turn(
            conversation=name,
            origin=document.origin,
            fingerprint=fingerprint,
            text=text,
            tokens=np.array(tokens, TOKEN),
            ts=document.ts,
            kind=document.kind,
            layer=self._corpus.name,
            beyond=beyond,
        )


def _pieces(document: Document, most: int) -> Iterator[_Piece]:
    for start, end in document.chunks:
        name = digest(document.tokens[start:end])
        for at in range(start, end, most):
            upto = min(at + most, end)
            yield _Piece(name, document.tokens[at:upto], upto == end)


def _passes(windows: Iterator[list[_Piece]], scorer: Scorer) -> Iterator[list[list[_Piece]]]:
    """As many windows together as one pass takes."""
    together: list[list[_Piece]] = []
    lengths: list[int] = []
    for window in windows:
        length = sum(len(piece.tokens) for piece in window)
        if together and not scorer.fits([*lengths, length]):
            yield together
            together, lengths = [], []
        together.append(window)
        lengths.append(length)
    if together:
        yield together


def _means(
    window: list[_Piece], values: NDArray[np.float32], sums: dict[bytes, list[float]]
) -> Iterator[tuple[bytes, float]]:
    """Nats a token of each chunk whose last piece is in the window; ``sums`` keeps those that go on in another."""
    at = 0
    for piece in window:
        looked = values[at : at + len(piece.tokens)]
        looked = looked[~np.isnan(looked)]
        at += len(piece.tokens)
        tally = sums.setdefault(piece.digest, [0.0, 0])
        tally[0] += float(looked.sum())
        tally[1] += len(looked)
        if piece.is_last:
            nats, n = sums.pop(piece.digest)
            yield piece.digest, nats / n if n and isfinite(nats) else _UNFORESEEN


def runs_of(document: Document, chosen: set[bytes]) -> Iterator[tuple[int, int]]:
    """(start, end) of neighbouring chunks that are ``chosen``; what is a copy of an earlier one is not taken again."""
    first = last = -1
    for start, end in document.chunks:
        name = digest(document.tokens[start:end])
        if name in chosen:
            chosen.discard(name)
            first, last = (start if last != start else first), end
            continue
        if last > 0:
            yield first, last
        first = last = -1
    if last > 0:
        yield first, last
