"""Reads what can be read of a damaged database, row by row, and writes it to a new one.

Knows rows of this program's schema; what a row means, and whether it is whole, others say.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from spectra_local.history.database import DAMAGED, Database
from spectra_local.history.pages import Column, rows
from spectra_local.history.schema import fresh

Row = dict[str, Any]
RowCheck = Callable[[Row], Row | None]  # the row itself: it is whole; another: mended; None: nothing of it is of use

_MOST_HOLES = 200_000  # ids looked up one by one between damaged pages


@dataclass(frozen=True, slots=True)
class Saved:
    """A new file, with so many rows."""

    path: Path
    rows: int


# --- reading -------------------------------------------------------------------------------------------------------


def row_ids(connection: sqlite3.Connection, table: str) -> list[int]:
    """Ids of all rows that can be found: from the front to the damage, from the back to it, and between one by one."""
    front, broke = _scan(connection, f"SELECT rowid FROM {table} NOT INDEXED ORDER BY rowid")  # noqa: S608
    if not broke:
        return front
    back, _ = _scan(connection, f"SELECT rowid FROM {table} NOT INDEXED ORDER BY rowid DESC")  # noqa: S608
    found = set(front) | set(back)
    low, high = max(front, default=0) + 1, min(back, default=0)
    for identity in range(low, min(high, low + _MOST_HOLES)):
        with contextlib.suppress(sqlite3.Error):
            if connection.execute(f"SELECT 1 FROM {table} WHERE rowid = ?", [identity]).fetchone():  # noqa: S608
                found.add(identity)
    return sorted(found)


def _scan(connection: sqlite3.Connection, query: str) -> tuple[list[int], bool]:
    """Ids as far as they can be read, and whether damage ended it."""
    found: list[int] = []
    try:
        for (identity,) in connection.execute(query):
            found.append(identity)
    except sqlite3.Error:
        return found, True
    return found, False


def row(connection: sqlite3.Connection, table: str, identity: int) -> Row | None:
    """One row by column; None where it cannot be read."""
    try:
        cursor = connection.execute(f"SELECT * FROM {table} WHERE rowid = ?", [identity])  # noqa: S608
        values = cursor.fetchone()
    except sqlite3.Error:
        return None
    return None if values is None else dict(zip([d[0] for d in cursor.description], values, strict=True))


@cache
def columns_of_tables() -> dict[str, list[Column]]:
    """Of each table with rows of its own."""
    with contextlib.closing(fresh()) as connection:
        return {
            table: [
                Column(name, kind, bool(required), _literal(default), default is not None or not (required or key),
                       bool(key) and kind == "INTEGER")
                for _, name, kind, required, default, key in connection.execute(f"PRAGMA table_info({table})")
            ]
            for table in _tables(connection)
        }  # fmt: skip


def _literal(default: str | None) -> object:
    if default is None:
        return None
    return default[1:-1] if default.startswith("'") else int(default)


# --- writing -------------------------------------------------------------------------------------------------------


def write(
    path: Path,
    sources: Sequence[Path],
    checks: Mapping[str, RowCheck],
    remake: Callable[[sqlite3.Connection], None],
) -> Saved:
    """A new database beside ``path`` with all rows of ``sources`` that are whole or could be mended. Where two say the
    same, the former counts. Raises StoreError, OSError."""
    target = path.with_name(f"{path.name}{DAMAGED}{time.strftime('%Y%m%d-%H%M%S')}-salvaged")
    target.unlink(missing_ok=True)
    saved, count = Database(target), 0
    try:
        saved.connection.execute("PRAGMA foreign_keys = OFF")
        with saved.transaction() as into:
            for table in columns_of_tables():
                into.execute(f"DELETE FROM {table}")  # noqa: S608 - what a new file begins with
            for source in sources:
                for table, found in rows(source, columns_of_tables()).items():
                    for each in found:
                        kept = checks[table](each) if table in checks else each
                        count += kept is not None and _insert(into, table, kept)
            _complete(into)
            remake(into)
    finally:
        saved.close()
    return Saved(target, count)


def _complete(into: sqlite3.Connection) -> None:
    """What every database has, whatever was lost."""
    into.execute("INSERT OR IGNORE INTO layers (id, name, created) VALUES (1, 'own', 0)")
    into.execute("INSERT OR IGNORE INTO layers (id, name, created) "
                 "SELECT DISTINCT layer, 'layer-' || layer, 0 FROM turns")  # fmt: skip
    numbers = into.execute("SELECT max(number), max(forgotten) FROM generation").fetchone()
    into.execute("DELETE FROM generation")
    into.execute("INSERT INTO generation (number, forgotten) VALUES (?, ?)", [number or 0 for number in numbers])


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Those with rows of their own: neither SQLite's nor those of a virtual table."""
    names = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    virtual = tuple(name for name, sql in names if sql.upper().startswith("CREATE VIRTUAL"))
    return [name for name, _ in names if not name.startswith(("sqlite_", *virtual))]


def _insert(into: sqlite3.Connection, table: str, values: Row) -> bool:
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    try:
        into.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values.values()))  # noqa: S608
    except sqlite3.Error:  # twice the same key, a value that the table refuses: damage
        return False
    return True
