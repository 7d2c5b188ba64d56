"""Writes a ``.spectra`` file: by default only what several conversations share, on demand whole turns.

Knows the store and the file format, no screen. What others gave (imported layers) is not given on.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from datetime import date
from pathlib import Path

from spectra_local import __version__
from spectra_local.errors import SpectraError, UsageError
from spectra_local.history import transfer_file
from spectra_local.history.shared_text import Text, shared_text
from spectra_local.history.store import Store
from spectra_local.history.transfer_file import Header, Record
from spectra_local.history.turn import OWN, Turn

Progress = Callable[[float], None]

_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """Which turns: those since a time (seconds since 1970), those of some conversations; whole, or what is shared."""

    since: float | None = None
    conversations: frozenset[str] = frozenset()
    whole_turns: bool = False

    def takes(self, turn: Turn) -> bool:
        """Whether the turn is meant."""
        return (self.since is None or turn.ts >= self.since) and (
            not self.conversations or turn.conversation in self.conversations
        )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What would go out, ready to be written, and what a preview says of it."""

    records: Callable[[], Iterator[Record]]  # read anew each time: a whole history need not fit into memory
    n_records: int
    n_bytes: int  # of text
    samples: list[str]  # some of the texts, spread over all
    _: KW_ONLY
    fingerprints: tuple[str, ...]
    whole_turns: bool
    n_turns: int  # looked through
    n_conversations: int
    withheld: Counter[str] = field(default_factory=Counter)  # secrets by kind that stay here


class _Tally:
    """Counts records and keeps the longest text of each of ``_SAMPLES`` parts of about ``expected`` together."""

    def __init__(self, expected: int) -> None:
        self.n_records = self.n_bytes = 0
        self._part = max(1, -(-expected // _SAMPLES))
        self._longest: dict[int, str] = {}

    def add(self, text: str) -> None:
        part = min(self.n_records // self._part, _SAMPLES - 1)
        self._longest[part] = max(self._longest.get(part, ""), text, key=len)
        self.n_records += 1
        self.n_bytes += len(text.encode("utf-8", "replace"))

    def samples(self) -> list[str]:
        return list(self._longest.values())


def choose(store: Store, selection: Selection, progress: Progress = lambda share: None) -> Outgoing:
    """Looks through the own history. Raises StoreError, UsageError where a conversation is not there."""
    known = {conversation.name for conversation in store.conversations()}
    if missing := sorted(selection.conversations - known):
        raise UsageError(f"the history has no conversation {missing[0]!r}")
    return _whole(store, selection) if selection.whole_turns else _shared(store, selection, progress)


def _shared(store: Store, selection: Selection, progress: Progress) -> Outgoing:
    turns = store.turns(layer=OWN)
    shared = shared_text((Text(turn.text, turn.conversation, selection.takes(turn)) for turn in turns), progress)
    tally = _Tally(len(shared.runs))
    for run in shared.runs:
        tally.add(run)
    return Outgoing(
        lambda: (Record(run) for run in shared.runs),
        tally.n_records,
        tally.n_bytes,
        tally.samples(),
        fingerprints=(),
        whole_turns=False,
        n_turns=shared.n_texts,
        n_conversations=shared.n_conversations,
        withheld=shared.withheld,
    )


def _whole(store: Store, selection: Selection) -> Outgoing:
    last = store.last_id()  # what is added while this one is written waits for the next export

    def chosen() -> Iterator[Turn]:
        turns = store.turns(layer=OWN, since=selection.since, until=last)
        return (turn for turn in turns if selection.takes(turn) and (turn.text or len(turn.tokens)))

    tally = _Tally(next(layer.turns for layer in store.layers() if layer.name == OWN))
    tokenizers: dict[str, int] = {}
    conversations: dict[str, int] = {}
    for turn in chosen():
        tally.add(turn.text)
        tokenizers.setdefault(turn.fingerprint, len(tokenizers))
        conversations.setdefault(turn.conversation, len(conversations))

    def records() -> Iterator[Record]:
        for turn in chosen():
            yield Record(
                turn.text,
                tuple(turn.tokens.tolist()),
                is_run=False,
                tokenizer=tokenizers[turn.fingerprint],
                origin=turn.origin,
                kind=turn.kind,
                conversation=conversations[turn.conversation],
                ms=max(0, int(turn.ts * 1000)),
            )

    return Outgoing(
        records,
        tally.n_records,
        tally.n_bytes,
        tally.samples(),
        fingerprints=tuple(tokenizers),
        whole_turns=True,
        n_turns=tally.n_records,
        n_conversations=len(conversations),
    )


def write(outgoing: Outgoing, path: Path, *, overwrite: bool = False, progress: Progress = lambda share: None) -> int:
    """Writes ``path`` whole or not at all, readable by its owner alone; returns its bytes. Raises SpectraError."""
    if not outgoing.n_records:
        raise SpectraError("there is nothing to export")
    try:
        if path.exists() and not overwrite:
            raise SpectraError(f"{path} exists; replace it with --force")
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # mode 0600
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                transfer_file.write(file, _header(outgoing), _counted(outgoing, progress))
                file.flush()
                os.fsync(file.fileno())
                n_bytes = file.seek(0, os.SEEK_END)
            if overwrite:
                partial.replace(path)
            else:
                os.link(partial, path)  # unlike a rename, it fails where another program was faster
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError:
        raise SpectraError(f"{path} exists; replace it with --force") from None
    except OSError as error:
        raise SpectraError(f"cannot write {path}: {error.strerror}; nothing was exported") from error
    return n_bytes


def _header(outgoing: Outgoing) -> Header:
    created = date.today().isoformat()
    return Header(
        f"spectra-chat {__version__}",
        created,
        outgoing.fingerprints,
        outgoing.whole_turns,
        n_records=0,
        n_tokens=0,
        n_bytes=0,
    )


def _counted(outgoing: Outgoing, progress: Progress) -> Iterator[Record]:
    for number, record in enumerate(outgoing.records()):
        progress(number / outgoing.n_records)
        yield record
