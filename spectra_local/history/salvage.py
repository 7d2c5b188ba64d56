"""Reads what can be read of a damaged database, row by row, and writes it to a new one.

Knows pages and rows of SQLite files of this program's schema; what a row means, and whether it is whole, others say.
"""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from spectra_local.history.database import DAMAGED, Database

Row = dict[str, Any]
RowCheck = Callable[[Row], Row | None]  # the row itself: it is whole; another: mended; None: nothing of it is of use

_PAGE = 4096  # SQLite's default since 2016, and what this program's files have
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


def rows_of(connection: sqlite3.Connection) -> Callable[[str], Iterator[Row]]:
    """Every readable row of a table, given its name."""

    def rows(table: str) -> Iterator[Row]:
        for identity in row_ids(connection, table):
            if (found := row(connection, table, identity)) is not None:
                yield found

    return rows


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was said yet since the file was begun."""
    tables = ("turns", "chats")
    return not any(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)  # noqa: S608


def schema_of(connection: sqlite3.Connection) -> dict[str, str]:
    """SQL by name, of all that is no part of something else."""
    return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall())


@cache
def current_schema() -> dict[str, str]:
    """That of a file begun today."""
    connection, _ = _fresh()
    with contextlib.closing(connection):
        return schema_of(connection)


# --- writing -------------------------------------------------------------------------------------------------------


def write(
    path: Path,
    rows: Callable[[str], Iterator[Row]],
    checks: Mapping[str, RowCheck],
    remake: Callable[[sqlite3.Connection], None],
) -> Saved:
    """A new database beside ``path`` with all rows that are whole or could be mended."""
    name = path.name if DAMAGED in path.name else f"{path.name}{DAMAGED}{time.strftime('%Y%m%d-%H%M%S')}"
    target = path.with_name(f"{name}-salvaged")
    target.unlink(missing_ok=True)
    saved, count = Database(target), 0
    try:
        saved.connection.execute("PRAGMA foreign_keys = OFF")
        with saved.transaction() as into:
            for table in _tables(into):
                into.execute(f"DELETE FROM {table}")  # noqa: S608 - what a new file begins with
                for each in rows(table):
                    kept = checks[table](each) if table in checks else each
                    count += kept is not None and _insert(into, table, kept)
            into.execute("INSERT INTO generation (number) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM generation)")
            into.execute("INSERT OR IGNORE INTO layers (id, name, created) VALUES (1, 'own', 0)")
            into.execute("INSERT OR IGNORE INTO layers (id, name, created) "
                         "SELECT DISTINCT layer, 'layer-' || layer, 0 FROM turns")  # fmt: skip
            remake(into)
    finally:
        saved.close()
    return Saved(target, count)


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Those with rows of their own: neither SQLite's nor those of a virtual table."""
    names = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    virtual = tuple(name for name, sql in names if sql.upper().startswith("CREATE VIRTUAL"))
    return [name for name, _ in names if not name.startswith(("sqlite_", *virtual))]


def _insert(into: sqlite3.Connection, table: str, values: Row) -> bool:
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    try:
        into.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values.values()))  # noqa: S608
    except sqlite3.Error:  # twice the same key, a value that the table refuses, a column that is none: damage
        return False
    return True


# --- a file that SQLite does not open --------------------------------------------------------------------------------


@contextlib.contextmanager
def mended_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy with a header and a schema as this program writes them, open for reading what rows there are."""
    copy = path.with_name(f"{path.name}.mending")
    for suffix in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open(f"{copy}{suffix}", os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    connection = None
    try:
        _mend_header(copy)
        connection = sqlite3.connect(copy, isolation_level=None)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        with contextlib.suppress(sqlite3.Error):
            _mend_schema(connection)
        connection.close()
        connection = sqlite3.connect(copy, isolation_level=None)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        yield connection
    finally:
        if connection:
            connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def _fresh() -> tuple[sqlite3.Connection, bytes]:
    """A database as it is begun today, in memory, and the bytes of its file."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="spectra-") as folder:
        database = Database(Path(folder) / "fresh")
        database.leave_if_alone()  # the log becomes part of the file
        content = database.path.read_bytes()
    connection = sqlite3.connect(":memory:")
    connection.deserialize(content)
    return connection, content


def _mend_header(copy: Path) -> None:
    """Writes the 100 bytes that begin a file (https://sqlite.org/fileformat2.html#the_database_header)."""
    connection, content = _fresh()
    connection.close()
    with copy.open("r+b") as file:
        old = file.read(100)
        size = file.seek(0, os.SEEK_END)
        header = bytearray(content[:100])
        header[18:20] = b"\x02\x02" if Path(f"{copy}-wal").exists() else b"\x01\x01"  # with a log or without
        header[24:28] = header[92:96] = old[24:28].ljust(4, b"\0")  # change counter, and for which the size is valid
        header[28:32] = (size // _PAGE).to_bytes(4, "big")
        header[32:40] = bytes(8)  # free pages are not needed to read
        file.seek(0)
        file.write(header)


def _mend_schema(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA writable_schema = ON")
    wanted, _ = _fresh()
    with contextlib.closing(wanted):
        rows = wanted.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid").fetchall()
    there = connection.execute("SELECT rowid, name FROM sqlite_schema ORDER BY rowid").fetchall()
    names = {name for _, name in there}
    for (kind, name, table, sql), (rowid, found) in zip(rows, there, strict=False):  # made in the same order
        if found == name or name not in names:
            connection.execute("UPDATE sqlite_schema SET type = ?, name = ?, tbl_name = ?, sql = ? WHERE rowid = ?",
                               [kind, name, table, sql, rowid])  # fmt: skip
