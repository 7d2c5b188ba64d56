"""SPECTRA-RETRIEVAL's dictionaries: what follows one, two and three tokens in the corpora, counted once and kept.

Works on token ids. Long matches with a corpus are read like those with the history (cursor.py), short ones are not:
they outvoted these dictionaries and knew less. This is for the many places where only a few tokens agree. The most
frequent contexts stay, so that it has the same size and price for ten thousand tokens and for ten million. REST counts
continuations at each look-up instead, which is what made it slow.
"""

import contextlib
import logging
import os
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectra_local.errors import SpectraError
from spectra_local.kept_file import write_kept
from spectra_local.speculation import core_file
from spectra_local.speculation.core import MOST_SEEN, RANKED, Entry, NgramTable
from spectra_local.speculation.match import TOKEN_BITS
from spectra_local.speculation.traces import CORPORA

MOST_CONTEXTS = 60_000  # of each level, the most frequent; see core_file.py
AT_ONCE = 2_000_000  # contexts sorted at once: some 100 MB
_WALL = -1  # between texts

_NICE = 19

Ints = NDArray[np.int64]
Tokens = NDArray[np.int32]

log = logging.getLogger("spectra_local.speculation")


class Retrieval:
    """One model's dictionaries of the corpora in use: read from its folder, else counted, both in the background."""

    def __init__(self, folder: Path, n_vocab: int, use: Callable[[NgramTable | None], None]) -> None:
        """``use`` gets the dictionaries as soon as they are there, perhaps within a request and in another thread, and
        None when they hold no more. ``n_vocab`` 0: there are none, and nothing is written."""
        self._folder, self._n_vocab, self._use = folder, n_vocab, use
        self._wanted = ""
        self._changing, self._at_work = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None

    def follow(self, version: Callable[[], str], texts: Callable[[], Iterable[Tokens]]) -> None:
        """Takes the dictionaries of ``texts`` from now on. ``version`` tells these texts from others, "" means that
        there are none; it is asked again before anything is written."""
        wanted = version()
        if wanted == self._wanted or not self._n_vocab:
            return
        self.forget()
        self._wanted = wanted
        if wanted:
            self._thread = threading.Thread(
                target=self._make, args=(wanted, version, texts), name="retrieval", daemon=True
            )
            self._thread.start()

    def wait(self) -> None:
        """Until the background work has ended; for tests and measuring."""
        if self._thread:
            self._thread.join()

    def forget(self) -> None:
        """Drops all of it, because text was deleted; its files went with that."""
        with self._changing:
            self._wanted = ""
            self._use(None)

    def _path(self, version: str) -> Path:
        return self._folder / f"{CORPORA}{blake2b(version.encode(), digest_size=8).hexdigest()}.bin"

    def _make(self, wanted: str, version: Callable[[], str], texts: Callable[[], Iterable[Tokens]]) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        with self._at_work:
            if wanted != self._wanted:
                return
            try:
                table = self._read(wanted) or self._counted(wanted, version, texts)
            except (SpectraError, OSError, ValueError, MemoryError) as error:
                log.warning("corpora could not be counted: %s", error)
                return
            with self._changing:
                if wanted == self._wanted:
                    self._use(table)

    def _read(self, version: str) -> NgramTable | None:
        try:
            return core_file.loads(self._path(version).read_bytes(), self._n_vocab)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, struct.error) as error:
            log.warning("%s is damaged or cannot be read (%s); it is made again", self._path(version), error)
            return None

    def _counted(
        self, wanted: str, version: Callable[[], str], texts: Callable[[], Iterable[Tokens]]
    ) -> NgramTable | None:
        table = count(texts())
        if version() != wanted:  # something was forgotten meanwhile: it must not stay here
            return None
        for old in self._folder.glob(f"{CORPORA}*.bin"):
            old.unlink(missing_ok=True)
        write_kept(self._path(wanted), core_file.dumps(table))
        return table


def count(texts: Iterable[Sequence[int] | Tokens]) -> NgramTable:
    """The dictionaries of some texts."""
    walls = np.full(3, _WALL, np.int32)  # no context of three tokens reaches over them
    parts = [part for text in texts for part in (np.asarray(text, np.int32), walls)]
    table = NgramTable()
    if parts:
        tokens = np.concatenate([walls, *parts])
        for n, level in ((1, table.one), (2, table.two), (3, table.three)):
            _fill(level, *_counted(tokens, n))
    return table


def _counted(tokens: NDArray[np.int32], n: int) -> tuple[Ints, Ints, Ints]:
    """(context, follower, count) of every n-gram and what follows it, the frequent contexts' alone."""
    found: list[tuple[Ints, Ints, Ints]] = []
    size = len(tokens) - n
    shares = max(1, -(-size // AT_ONCE))
    for share in range(shares):
        # By context and not by place, so that each context is counted whole.
        place = np.flatnonzero((tokens[n - 1 : n - 1 + size] % shares == share) & (tokens[n:] >= 0))
        keys = np.zeros(len(place), np.int64)
        whole = np.ones(len(place), bool)
        for i in range(n):
            ids = tokens[place + i]
            whole &= ids >= 0
            keys = keys << TOKEN_BITS | np.maximum(ids, 0)
        found.append(_most_frequent(keys[whole], tokens[place + n][whole].astype(np.int64)))
    keys, followers, counts = (np.concatenate(column) for column in zip(*found, strict=True))
    return _of_frequent(keys, followers, counts)


def _most_frequent(keys: Ints, followers: Ints) -> tuple[Ints, Ints, Ints]:
    order = np.lexsort((followers, keys))
    keys, followers = keys[order], followers[order]
    new = (
        np.flatnonzero(np.append(True, (keys[1:] != keys[:-1]) | (followers[1:] != followers[:-1])))
        if len(keys)
        else keys
    )
    counts = np.diff(np.append(new, len(keys)))
    return _of_frequent(keys[new], followers[new], counts)


def _of_frequent(keys: Ints, followers: Ints, counts: Ints) -> tuple[Ints, Ints, Ints]:
    contexts, inverse = np.unique(keys, return_inverse=True)
    if len(contexts) <= MOST_CONTEXTS:
        return keys, followers, counts
    seen = np.bincount(inverse, counts)
    kept = np.zeros(len(contexts), bool)
    kept[np.argpartition(seen, -MOST_CONTEXTS)[-MOST_CONTEXTS:]] = True
    chosen = kept[inverse]
    return keys[chosen], followers[chosen], counts[chosen]


def _fill(level: dict[int, Entry], keys: Ints, followers: Ints, counts: Ints) -> None:
    order = np.lexsort((-counts, keys))
    for key, follower, n in zip(keys[order].tolist(), followers[order].tolist(), counts[order].tolist(), strict=True):
        entry = level.get(key)
        if entry is None:
            entry = level[key] = Entry()
        entry.seen += n
        if len(entry.weights) < 2 * RANKED:
            entry.weights[follower] = float(n)
    for entry in level.values():
        if entry.seen > MOST_SEEN:
            scale = MOST_SEEN / entry.seen
            entry.weights = {token: weight * scale for token, weight in entry.weights.items()}
            entry.seen = MOST_SEEN
