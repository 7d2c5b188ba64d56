"""Writes a ``.spectra`` file: by default only what several conversations share, on demand whole turns.

Knows the store and the file format, no screen. What others gave (imported layers) is not given on.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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

    records: list[Record]
    fingerprints: tuple[str, ...]
    whole_turns: bool
    n_turns: int  # looked through
    n_conversations: int
    withheld: Counter[str] = field(default_factory=Counter)  # secrets by kind that stay here

    @property
    def n_bytes(self) -> int:
        """Of text."""
        return sum(len(record.text.encode("utf-8", "replace")) for record in self.records)

    def samples(self) -> list[str]:
        """Some of the texts, spread over all, the longest of each part."""
        step = max(1, len(self.records) // _SAMPLES)
        parts = [self.records[i : i + step] for i in range(0, len(self.records), step)]
        return [max((record.text for record in part), key=len) for part in parts[:_SAMPLES]]


def choose(store: Store, selection: Selection, progress: Progress = lambda share: None) -> Outgoing:
    """Looks through the own history. Raises StoreError, UsageError where a conversation is not there."""
    turns = list(store.turns(layer=OWN))
    known = {turn.conversation for turn in turns}
    if missing := sorted(selection.conversations - known):
        raise UsageError(f"the history has no conversation {missing[0]!r}")
    chosen = [turn for turn in turns if selection.takes(turn)]
    if selection.whole_turns:
        return _whole(chosen)
    shared = shared_text((Text(turn.text, turn.conversation, selection.takes(turn)) for turn in turns), progress)
    return Outgoing(
        [Record(run) for run in shared.runs], (), False, shared.n_texts, shared.n_conversations, shared.withheld
    )


def _whole(turns: list[Turn]) -> Outgoing:
    fingerprints = list(dict.fromkeys(turn.fingerprint for turn in turns))
    numbers = {name: i for i, name in enumerate(dict.fromkeys(turn.conversation for turn in turns))}
    records = [
        Record(
            turn.text,
            tuple(turn.tokens.tolist()),
            is_run=False,
            tokenizer=fingerprints.index(turn.fingerprint),
            origin=turn.origin,
            kind=turn.kind,
            conversation=numbers[turn.conversation],
            ms=max(0, int(turn.ts * 1000)),
        )
        for turn in turns
        if turn.text or len(turn.tokens)
    ]
    return Outgoing(records, tuple(fingerprints), True, len(turns), len(numbers))


def write(outgoing: Outgoing, path: Path, *, overwrite: bool = False, progress: Progress = lambda share: None) -> int:
    """Writes ``path`` whole or not at all, readable by its owner alone; returns its bytes. Raises SpectraError."""
    if not outgoing.records:
        raise SpectraError("there is nothing to export")
    try:
        if path.exists() and not overwrite:
            raise SpectraError(f"{path} exists; replace it with --force")
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # mode 0600
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                transfer_file.write(file, _header(outgoing), _counted(outgoing.records, progress))
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
    return Header(f"spectra-chat {__version__}", created, outgoing.fingerprints, outgoing.whole_turns, 0, 0, 0)


def _counted(records: list[Record], progress: Progress) -> Iterator[Record]:
    for number, record in enumerate(records):
        progress(number / len(records))
        yield record
