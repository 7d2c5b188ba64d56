"""The user's history as an engine uses it: opened, added to at the end of an answer, never in the way of one.

Whatever goes wrong with the disk, learning on it stops with one notice and the chat goes on.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from spectra_local.byte_size import byte_size
from spectra_local.errors import StoreError
from spectra_local.history.database import BUSY_SECONDS, Database, is_busy
from spectra_local.history.index import Index
from spectra_local.history.savings import Saved, Tried, add_saved
from spectra_local.history.store import Store
from spectra_local.history.turn import OWN, TOKEN, Kind, Origin, Turn, said_beyond

log = logging.getLogger("spectra_local.history")

_EVICT_EVERY = 50  # answers between two looks at the size


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked and answered: texts, and the tokens of the prompt and of the answer."""

    conversation: str | None
    kind: Kind
    asked: str
    prompt: Sequence[int]
    _: KW_ONLY
    reused: int  # leading prompt tokens that an earlier request of this process brought
    answer: str
    answered: Sequence[int]
    said: Callable[[Sequence[int]], str] = lambda tokens: ""  # the words of some tokens
    begun: int | None = None  # what PersonalHistory.begun said when it was asked


# Another version's file may be converted by the app for half a minute: the model is not kept waiting for it.
OPEN_WITHIN_S = 1.0
_TRY_AGAIN_S = 0.1


class PersonalHistory:
    """One model's share of the user's store."""

    def __init__(self, fingerprint: str, n_vocab: int) -> None:
        self._fingerprint = fingerprint
        self._notice = ""
        self._answers = 0
        self._known: dict[str, NDArray[np.int32]] = {}  # prompt and answer of each conversation's last exchange here
        self.index: Index | None = None
        self.corpora: Index | None = None
        self._database: Database | None = None
        self._n_vocab = n_vocab
        self._waits = True  # for a file that another program converts
        self.opened(OPEN_WITHIN_S)

    def opened(self, within_s: float = _TRY_AGAIN_S) -> bool:
        """Before a request: whether the file could be opened now, and not before."""
        if not self._waits:
            return False
        try:
            self._database = Database(busy_seconds=within_s)
            self._database.wait_for_writers(BUSY_SECONDS)
            self._notice = self._database.notice or self._database.exposure
            self.store = Store(self._database)
            self.index = Index(self.store, self._fingerprint, self._n_vocab)
            self.corpora = Index(self.store, self._fingerprint, self._n_vocab, corpora=True)
        except StoreError as error:
            if self._database is None and is_busy(error):
                log.warning("the history is opened later: %s", error)
            else:
                self._waits = False
                self._off(error)
            return False
        self._waits = False
        return True

    @property
    def indexes(self) -> list[Index]:
        """What drafts are read from: what was said, and corpora. Empty where the store cannot be used."""
        return [index for index in (self.index, self.corpora) if index]

    def take_notice(self) -> str:
        """What the user should be told, once."""
        notice, self._notice = self._notice, ""
        return notice

    def refresh(self) -> bool:
        """Before a request; True: turns were deleted, so drop what was derived from them."""
        try:
            forgotten = [index.refresh() for index in self.indexes]
            return any(forgotten)
        except StoreError as error:
            self._off(error)
            return False

    def corpora_version(self) -> str:
        """Changes whenever the text of corpora does; "" where there is none."""
        try:
            return self.store.corpora_version() if self.corpora else ""
        except StoreError as error:
            self._off(error)
            return ""

    def corpora_texts(self) -> Iterator[NDArray[np.int32]]:
        """Token ids of all texts of corpora. From any thread. Raises StoreError."""
        return (
            turn.tokens for turn in self.store.turns(fingerprint=self._fingerprint, enabled_only=True, corpora=True)
        )

    def begun(self) -> int | None:
        """What tells later whether anything was forgotten since now."""
        try:
            return self.store.forgotten() if self._database else None
        except StoreError as error:
            self._off(error)
            return None

    def record(self, exchange: Exchange, saved: Saved, tried: Mapping[str, Tried] | None = None) -> None:
        """Commits the turn of the user and that of the model; they are searched from now on. ``tried``: by source.
        Nothing is kept where the user had something forgotten since the exchange began: it may be what
        was being answered."""
        if self.index is None or self._database is None or self._database.read_only:
            return
        try:
            turns = self._turns(exchange)
            ids = self.store.add(turns, exchange.begun)
            if turns and not ids:
                return
            add_saved(self._database, saved, tried)
            self.index.add(
                Turn(t.conversation, t.origin, t.fingerprint, t.text, tokens=t.tokens, ts=t.ts, kind=t.kind, id=i)
                for t, i in zip(turns, ids, strict=True)
            )
            self._answers += 1
            if used := self.index.used():
                self.store.count_uses(used)
            if self._answers % _EVICT_EVERY == 1:
                self._say_evicted(self.store.evict())
        except StoreError as error:
            self._off(error)

    def count(self, saved: Saved, tried: Mapping[str, Tried] | None = None) -> None:
        """Counts what an answer saved that is not kept itself; ``tried``: by source."""
        if self._database is None or self._database.read_only:
            return
        try:
            add_saved(self._database, saved, tried)
        except StoreError as error:
            self._off(error)

    def _turns(self, exchange: Exchange) -> list[Turn]:
        conversation = exchange.conversation or uuid4().hex
        prompt = np.array(exchange.prompt, TOKEN)
        answered = np.array(exchange.answered, TOKEN)
        known = max(exchange.reused, self._common(conversation, prompt))
        self._known = {conversation: np.concatenate((prompt, answered))}
        now, fingerprint = time.time(), self._fingerprint
        parts: tuple[tuple[Origin, str, NDArray[np.int32]], ...] = (
            ("user", exchange.asked, prompt[known:]),
            ("model", exchange.answer, answered),
        )
        return [
            Turn(
                conversation,
                origin,
                fingerprint,
                text,
                tokens=tokens,
                ts=now,
                kind=exchange.kind,
                beyond=said_beyond(exchange.said(tokens.tolist()), text),
            )
            for origin, text, tokens in parts
            if len(tokens)
        ]

    def _common(self, conversation: str, prompt: NDArray[np.int32]) -> int:
        """Leading tokens of the prompt that this conversation's stored turns hold already."""
        known = self._known.get(conversation)
        if known is None:
            stored = [t.tokens for t in self.store.turns(conversation=conversation, fingerprint=self._fingerprint)]
            known = np.concatenate(stored) if stored else np.empty(0, TOKEN)
        n = min(len(known), len(prompt))
        differing = np.flatnonzero(known[:n] != prompt[:n])
        return int(differing[0]) if len(differing) else n

    def _say_evicted(self, layers: Mapping[str, int]) -> None:
        if layers:
            parts = [f"{n:,} of {'your own' if layer == OWN else layer}" for layer, n in layers.items()]
            self._notice = (
                f"The history reached its limit of {byte_size(self.store.cap)}; the least used turns made room: "
                f"{', '.join(parts)}. 'spectra-chat history remove NAME' takes an import out."
            )

    def _off(self, error: StoreError) -> None:
        log.warning("learning on disk is off: %s", error)
        self._notice = f"What is said here is not learned for later sessions: {error}"
        self.close()

    def close(self) -> None:
        """Ends background work and closes the file."""
        for index in self.indexes:
            index.close()
        if self._database:
            with contextlib.suppress(StoreError):
                self._database.close()
        self.index = self.corpora = self._database = None
