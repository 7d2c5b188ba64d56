"""Checks every row and segment; a new file with all that is whole takes the place of a damaged one, which is kept.

Knows turns; what other tables of the database hold is checked by functions that the caller brings.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from spectra_local.errors import StoreError
from spectra_local.history import salvage
from spectra_local.history.database import Database
from spectra_local.history.schema import current_schema, has_schema, migrations, schema_of
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
    _: KW_ONLY
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
    aside = database.unread()
    found.file += [f"{path.name} was damaged when it was opened" for path in aside]
    try:
        if found.rows or found.file:
            _salvage(database, aside, all_checks, remake, found)
    except (StoreError, OSError) as error:  # a full disk, a folder that cannot be written
        found.file.append(f"what is whole could not be saved: {error}")
    return found


def _salvage(
    database: Database,
    aside: list[Path],
    checks: Mapping[str, salvage.RowCheck],
    remake: Callable[[sqlite3.Connection], None],
    found: Findings,
) -> None:
    """Of files so damaged that a new one was begun, and of that one: one file with all that can be read."""
    with database.lock:
        target = salvage.write(database.path, [*aside, database.path], checks, remake)
        found.saved, found.salvaged = target.rows, str(target.path)
        if not database.leave_if_alone():
            return
        here = len(found.file) > len(aside) or bool(found.rows)
        kept = [database.mark_read(path) for path in aside]
        kept += [database.set_aside(read=True)] if here else []
        found.kept = ", ".join(map(str, kept))
        target.path.replace(database.path)
        found.salvaged = str(database.path)


def _said_by_sqlite(connection: sqlite3.Connection) -> list[str]:
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != max(migrations()) and schema_of(connection) == current_schema():
            said.append(f"it says that its schema has number {version}; its tables are those of {max(migrations())}")
        elif not has_schema(connection, migrations()):
            said.append("its schema is damaged")
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
