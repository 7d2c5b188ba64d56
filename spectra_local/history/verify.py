"""Checks every row and segment, and saves the whole rows of a damaged file to a new one."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spectra_local.errors import StoreError
from spectra_local.history.database import Database
from spectra_local.history.segment import SUFFIX, Segment
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn
from spectra_local.locations import segments_dir


@dataclass(slots=True)
class Findings:
    """What is damaged; all empty where nothing is."""

    turns: int = 0  # whole ones
    rows: list[int] = field(default_factory=list)  # ids of damaged rows
    file: list[str] = field(default_factory=list)  # what SQLite itself says of the file
    segments: list[str] = field(default_factory=list)  # removed; the next start makes them again
    salvaged: str = ""  # the new file, where whole rows of a damaged one were saved

    @property
    def whole(self) -> bool:
        """Nothing is damaged."""
        return not (self.rows or self.file or self.segments)


def verify(database: Database) -> Findings:
    """Reads everything. A damaged database keeps its file; whole turns go to a new one beside it."""
    store, found = Store(database), Findings()
    with contextlib.suppress(sqlite3.Error), database.lock:
        rows = database.connection.execute("PRAGMA integrity_check").fetchall()
        found.file = [str(row[0]) for row in rows if row[0] != "ok"]
    try:
        found.turns = sum(1 for _ in store.turns())
    except StoreError as error:
        found.file.append(str(error))
    found.rows = sorted(store.damaged)
    for path in sorted(segments_dir().glob(f"*/*{SUFFIX}")):
        try:
            Segment(path).verify()
        except (OSError, ValueError) as error:
            found.segments.append(f"{path.name}: {error}")
            path.unlink(missing_ok=True)
    if found.rows or found.file:
        found.salvaged = str(_salvage(database))
    return found


def _salvage(database: Database) -> Path:
    target = database.path.with_name(f"{database.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-salvaged")
    source, saved = Store(database), Database(target)
    try:
        into = Store(saved)
        known = {"own"}
        for turn in _readable(source):
            if turn.layer not in known:
                into.create_layer(turn.layer)
                known.add(turn.layer)
            into.add([turn])
    finally:
        saved.close()
    return target


def _readable(store: Store) -> Iterator[Turn]:
    """Every whole turn, row by row where a page cannot be read."""
    for identity in range(1, store.last_id() + 1):
        with contextlib.suppress(StoreError):
            yield from store.turns(after=identity - 1, until=identity)
