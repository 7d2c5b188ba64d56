"""Earlier turns of one tokenizer, searchable: mapped segments made in the background, and a live tail in memory.

Implements the History of lookup.py. Knows token ids and row ids; the store is the truth, and all of
this can be made again from it. What is searched changes only in ``refresh`` and ``add``, never within a request.
"""

import contextlib
import logging
import os
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from spectra_local.errors import SpectraError
from spectra_local.history import segment as seg
from spectra_local.history.agreement import End
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.history.lookup import BY_MODEL, BY_USER, CORPUS, IMPORTED, LONG, RETRIEVED, SAID, SHORT, Match
from spectra_local.history.segment import Segment
from spectra_local.history.store import Store
from spectra_local.history.turn import OWN, Tokens, Turn
from spectra_local.locations import segments_dir

log = logging.getLogger("spectra_local.history")

TAIL_TOKENS = 32_000  # in memory before they become a segment; some 10 MB, read in about 0.1 s
LARGEST = 4_000_000  # tokens of a segment that is not merged any more: building it takes some 150 MB
OVERLAP = 64  # tokens of an earlier turn repeated in the tail, so that matches reach back over the seam
_USED = LONG * 2  # tokens of match from which a draft counts as read from a turn
_NICE = 19


class Index:
    """All that one tokenizer's turns can be searched by. One thread searches; the builder is a thread of its own.

    Corpora have an index apart: a search looks at the latest places only, and ten million tokens that were added in one
    day would hide what was said before.
    """

    def __init__(
        self, store: Store, fingerprint: str, n_vocab: int, folder: Path | None = None, *, corpora: bool = False
    ) -> None:
        """Opens what is there; raises StoreError where the store cannot be read. Starts building what is missing.
        ``corpora``: of corpora, else of all other layers."""
        self.name = CORPUS if corpora else SAID
        self._lengths = (LONG,) if corpora else (LONG, SHORT)
        self._store, self._fingerprint, self._n_vocab, self._corpora = store, fingerprint, n_vocab, corpora
        digest = blake2b(fingerprint.encode(), digest_size=8).hexdigest()
        self._folder = folder or segments_dir() / (digest + "-corpora" * corpora)
        self._segments: list[Segment] = []
        self._bases: list[int] = []  # where each segment's positions begin
        self._tail_base = 0
        self._used: set[int] = set()
        self._version = self._generation = self._forgotten = 0  # of the database, when it was last looked at
        self._seen = self._indexed = 0  # newest row id taken in, and newest in a segment
        self._tail = MemoryHistory(self.name)
        self._tail_tokens = 0
        self._last_of: dict[str, tuple[list[int], bytes]] = {}  # the end of each conversation in the tail, and whose
        self._ready = threading.Event()  # the builder has left something for ``refresh``
        self._closing = threading.Event()
        self._builder: threading.Thread | None = None
        self._open()

    @property
    def tail_tokens(self) -> int:
        """How many tokens are in memory because no segment has them yet."""
        return self._tail_tokens

    # --- searching ---------------------------------------------------------------------------------------------

    def matches(self, context: Sequence[int], limit: int) -> list[Match]:
        """See History."""
        tail = self._tail_base
        found = [match._replace(position=match.position + tail) for match in self._tail.matches(context, limit)]
        if self._segments and len(context) >= self._lengths[-1]:
            found += self._in_segments(context, limit)
        found.sort(reverse=True)
        if found and found[0].length >= _USED:
            self._used.add(found[0].position)
        return found[:limit]

    def _in_segments(self, context: Sequence[int], limit: int) -> list[Match]:
        """The latest places that share ``LONG`` tokens; where they are too few, those that share ``SHORT`` too."""
        end, found, least = End(context), dict[int, Match](), self._lengths[-1]
        for n in self._lengths:
            if len(context) < n or len(found) >= limit:
                continue
            key, room, long = seg.key_of(context[-n:]), seg.PLACES, n == LONG
            if self._corpora and not seg.is_sampled(key):
                break
            for base, segment in zip(reversed(self._bases), reversed(self._segments), strict=True):
                places = segment.places(key, long=long)[-room:]
                for at in places:
                    position = base + at
                    if position not in found and (length := end.agreement(segment.read, at, long=long)) >= least:
                        whole = length == len(context) or segment.begins_at(at - length)
                        found[position] = Match(length, position, segment.origin_at(at), whole)
                room -= len(places)
                if not room:
                    break
        return list(found.values())

    def _segment_of(self, position: int) -> int:
        return bisect_right(self._bases, position) - 1

    def following(self, position: int, count: int) -> list[int]:
        """See History."""
        if position >= self._tail_base:
            return self._tail.following(position - self._tail_base, count)
        which = self._segment_of(position)
        return self._segments[which].following(position - self._bases[which], count, self._n_vocab)

    def used(self) -> set[int]:
        """Ids of the rows that long matches read on from since the last call."""
        positions, self._used = self._used, set()
        rows = set()
        for position in positions:
            if position < self._tail_base:
                which = self._segment_of(position)
                rows.add(self._segments[which].turn_at(position - self._bases[which]))
        return rows

    # --- growing -----------------------------------------------------------------------------------------------

    def add(self, turns: Iterable[Turn]) -> None:
        """Turns that were just committed: searched from now on."""
        for turn in turns:
            self._append(turn)
        self._start_builder()

    def refresh(self) -> bool:
        """Between requests: takes in what other programs and the builder made. True: the user wanted turns gone, so
        all that was derived from them must go; not where old ones only made room. Raises StoreError."""
        version = self._store.database.data_version()
        if version == self._version and not self._ready.is_set():
            return False
        self._version = version
        forgotten = self._store.forgotten() != self._forgotten
        switched = self._store.generation() != self._generation
        much = self._waiting_tokens(self._seen) > TAIL_TOKENS  # an import: for the builder
        if switched or much or self._ready.is_set():
            self._open()
        else:
            for turn in self._turns(self._seen):
                self._append(turn)
            self._start_builder()
        return forgotten

    def wait(self) -> None:
        """Until the background work has ended; for tests, measuring and ``close``."""
        if self._builder:
            self._builder.join()

    def close(self) -> None:
        """Ends background work."""
        self._closing.set()
        self.wait()

    def _append(self, turn: Turn) -> None:
        if turn.id <= self._seen:
            return
        tokens = turn.tokens.tolist()
        if tokens and max(tokens) < self._n_vocab and min(tokens) >= 0:
            before, whose = self._last_of.get(turn.conversation, ([], b""))
            record, origins = [*before, *tokens], whose + bytes([self._origin(turn)]) * len(tokens)
            self._tail.add(record, origins)
            self._last_of[turn.conversation] = record[-OVERLAP:], origins[-OVERLAP:]
            self._tail_tokens += len(tokens)
        self._seen = turn.id

    def _open(self) -> None:
        self._forget_ended_builder()
        self._ready.clear()
        self._version, self._generation = self._store.database.data_version(), self._store.generation()
        self._forgotten = self._store.forgotten()
        self._segments = self._valid_segments()
        self._bases = [0]
        for segment in self._segments:
            self._bases.append(self._bases[-1] + len(segment))
        self._tail_base = self._bases.pop()
        self._used.clear()
        self._tail = MemoryHistory(self.name)
        self._tail_tokens = 0
        self._last_of = {}
        self._seen = self._indexed = self._segments[-1].until if self._segments else 0
        self._read_tail()
        self._start_builder()

    def _read_tail(self) -> None:
        """The latest turns that are in no segment, as many as can be read at once; the builder sees to the others."""
        waiting = self._store.latest(self._fingerprint, self._indexed, TAIL_TOKENS, corpora=self._corpora)
        last = self._store.last_id()
        for turn in waiting:
            self._append(turn)
        self._seen = max(self._seen, last)
        if self._waiting_tokens(self._indexed) > self._tail_tokens:
            self._tail_tokens = TAIL_TOKENS  # more waits than was read

    def _valid_segments(self) -> list[Segment]:
        """A gapless run of segments that hold exactly what the store holds; all other files are removed."""
        opened: list[Segment] = []
        for path in sorted(self._folder.glob(f"*{seg.SUFFIX}")) if self._folder.is_dir() else []:
            try:
                opened.append(Segment(path))
            except (OSError, ValueError) as error:
                log.warning("index segment %s: %s; it is made again", path.name, error)
                _remove(path)
        opened.sort(key=lambda s: (s.after, -s.until))
        kept: list[Segment] = []
        at = 0
        for segment in opened:
            if segment.after == at and segment.fingerprint == self._fingerprint and self._holds_what_is(segment):
                kept.append(segment)
                at = segment.until
            else:
                _remove(segment.path)
        return kept

    def _holds_what_is(self, segment: Segment) -> bool:
        ids = self._ids(segment.after, segment.until)
        return len(ids) == len(segment.covered) and bool(np.array_equal(np.array(ids, "<i8"), segment.covered))

    # --- the builder -------------------------------------------------------------------------------------------

    def _forget_ended_builder(self) -> None:
        if self._builder and not self._builder.is_alive():
            self._builder = None

    def _start_builder(self) -> None:
        if self._tail_tokens < TAIL_TOKENS or self._builder is not None or self._closing.is_set():
            return
        until = self._store.last_id()
        plan = list(self._segments)
        self._builder = threading.Thread(target=self._build, args=(plan, until), name="index", daemon=True)
        self._builder.start()

    def _build(self, segments: list[Segment], until: int) -> None:
        """Makes one segment of what waits, together with the smaller ones before it (as log-structured merges do)."""
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            after = segments[-1].until if segments else 0
            tokens = self._waiting_tokens(after)
            while segments and len(segments[-1]) <= 2 * tokens and tokens + len(segments[-1]) <= LARGEST:
                merged = segments.pop()
                after, tokens = merged.after, tokens + len(merged)
            while after < until and not self._closing.is_set():
                after = self._build_one(after, until)
            self._ready.set()
        except (SpectraError, OSError, ValueError, MemoryError) as error:
            log.warning("the index could not be built: %s", error)

    def _build_one(self, after: int, until: int) -> int:
        """Builds a segment of at most about ``LARGEST`` tokens; returns the last row's id."""
        generation = self._store.generation()
        records: dict[str, list[tuple[int, int, Tokens]]] = {}
        total, last = 0, after
        for turn in self._turns(after, until):
            if self._closing.is_set():
                return until
            records.setdefault(f"{turn.layer}\0{turn.conversation}", []).append(
                (turn.id, self._origin(turn), turn.tokens)
            )
            total, last = total + len(turn.tokens), turn.id
            if total >= LARGEST:
                break
        else:
            last = until
        covered = self._ids(after, last)
        path = self._folder / f"{after:016}-{last:016}{seg.SUFFIX}"
        seg.build(path, self._fingerprint, after, last, covered, list(records.values()), sampled=self._corpora)
        if self._store.generation() != generation:  # something was forgotten meanwhile: it must not stay here
            _remove(path)
        return last

    # --- this index's share of the store -----------------------------------------------------------------------

    def _turns(self, after: int, until: int | None = None) -> Iterator[Turn]:
        return self._store.turns(
            fingerprint=self._fingerprint, after=after, until=until, enabled_only=True, corpora=self._corpora
        )

    def _ids(self, after: int, until: int) -> list[int]:
        return self._store.ids(self._fingerprint, after, until, corpora=self._corpora)

    def _waiting_tokens(self, after: int) -> int:
        return self._store.waiting_tokens(self._fingerprint, after, corpora=self._corpora)

    def _origin(self, turn: Turn) -> int:
        if turn.layer != OWN:
            return RETRIEVED if self._corpora else IMPORTED
        return BY_USER if turn.origin == "user" else BY_MODEL


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
