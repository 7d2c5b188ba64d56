"""Checks every row and segment; a new file with all that is whole takes the place of a damaged one, which is kept.

Knows turns; what other tables of the database hold is checked by functions that the caller brings.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spectra_local.errors import StoreError
from spectra_local.history import salvage
from spectra_local.history.database import Database, migrations
from spectra_local.history.segment import SUFFIX, Segment
from spectra_local.history.store import kept_turn
from spectra_local.locations import segments_dir


@dataclass(slots=True)
class Findings:
    """What is damaged; all empty where nothing is."""

    turns: int = 0  # whole ones
    rows: dict[str, list[int]] = field(default_factory=dict)  # ids of damaged rows, by table
    file: list[str] = field(default_factory=list)  # what SQLite itself says of the file
    segments: list[str] = field(default_factory=list)  # removed; the next start makes them again
    saved: int = 0  # rows that were saved to a new file
    salvaged: str = ""  # where that file is
    kept: str = ""  # where the damaged one is then

    @property
    def whole(self) -> bool:
        """Nothing is damaged."""
        return not (self.rows or self.file or self.segments)


def verify(
    database: Database,
    checks: Mapping[str, salvage.RowCheck] | None = None,
    derived: Callable[[sqlite3.Connection], str] = lambda connection: "",
    remake: Callable[[sqlite3.Connection], None] = lambda connection: None,
) -> Findings:
    """Reads everything. ``checks``: for tables beside turns; ``derived`` says what is wrong with what SQLite does not
    check itself, and ``remake`` makes that again in a new file."""
    all_checks = {"turns": kept_turn, **(checks or {})}
    found = Findings()
    with database.lock:
        found.file = _said_by_sqlite(database.connection)
        with contextlib.suppress(sqlite3.Error):
            found.file += [words] if (words := derived(database.connection)) else []
        for table, check in all_checks.items():
            _check_rows(database.connection, table, check, found)
    _check_segments(found)
    try:
        if found.rows or found.file:
            _salvage(database, all_checks, remake, found)
        else:
            _salvage_set_aside(database, all_checks, remake, found)
    except (StoreError, OSError) as error:  # a full disk, a folder that cannot be written
        found.file.append(f"what is whole could not be saved: {error}")
    return found


def _salvage(
    database: Database,
    checks: Mapping[str, salvage.RowCheck],
    remake: Callable[[sqlite3.Connection], None],
    found: Findings,
) -> None:
    target = salvage.write(database.path, salvage.rows_of(database.connection), checks, remake)
    found.saved, found.salvaged = target.rows, str(target.path)
    if database.leave_if_alone():
        found.kept = str(database.set_aside(read=True))
        target.path.replace(database.path)
        found.salvaged = str(database.path)


def _salvage_set_aside(
    database: Database,
    checks: Mapping[str, salvage.RowCheck],
    remake: Callable[[sqlite3.Connection], None],
    found: Findings,
) -> None:
    """Of a file so damaged that a new one was begun: what can be read takes the new one's place, if that is empty."""
    for path in database.unread():
        found.file.append(f"{path.name} was damaged when it was opened")
        with salvage.mended_copy(path) as connection:
            target = salvage.write(path, salvage.rows_of(connection), checks, remake)
        found.saved, found.salvaged = target.rows, str(target.path)
        found.kept = str(database.mark_read(path))
        if salvage.is_empty(database.connection) and database.leave_if_alone():
            database.path.unlink()
            target.path.replace(database.path)
            found.salvaged = str(database.path)
            return


def _said_by_sqlite(connection: sqlite3.Connection) -> list[str]:
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != max(migrations()) and salvage.schema_of(connection) == salvage.current_schema():
            said.append(f"it says that its schema has number {version}; its tables are those of {max(migrations())}")
    except sqlite3.Error as error:
        said = [str(error)]
    return said


def _check_rows(connection: sqlite3.Connection, table: str, check: salvage.RowCheck, found: Findings) -> None:
    try:
        for identity in salvage.row_ids(connection, table):
            row = salvage.row(connection, table, identity)
            if row is None or check(row) is not row:
                found.rows.setdefault(table, []).append(identity)
            elif table == "turns":
                found.turns += 1
    except sqlite3.Error as error:
        found.file.append(f"{table}: {error}")


def _check_segments(found: Findings) -> None:
    for path in sorted(segments_dir().glob(f"*/*{SUFFIX}")):
        try:
            Segment(path).verify()
        except (OSError, ValueError) as error:
            found.segments.append(f"{path.name}: {error}")
            path.unlink(missing_ok=True)
