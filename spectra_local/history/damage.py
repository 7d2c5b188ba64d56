"""Tells damage of a SQLite file from other trouble, where SQLite does not, or says it in bytes that are no text."""

import sqlite3
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

# Bytes of the header that this program's files have always had, where SQLite takes others for a wish
# (https://sqlite.org/fileformat2.html#the_database_header): read-only, another format, pages in another order.
_HEADER = {
    18: (b"\1", b"\2"),  # for writing, for reading: without a log, or with one
    19: (b"\1", b"\2"),
    20: (b"\0",),
    44: (b"\0\0\0\4", bytes(4)),  # zero: nothing was written yet but to the log
    52: (b"\0\0\0\0",),
    56: (b"\0\0\0\1", bytes(4)),
    64: (b"\0\0\0\0",),
}


def damage(words: str) -> sqlite3.DatabaseError:
    """As SQLite raises it."""
    error = sqlite3.DatabaseError(words)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def is_damage(error: sqlite3.Error) -> bool:
    """Also where a step of the schema was taken before: then the number that says which were is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    again = any(words in str(error) for words in ("already exists", "duplicate column"))
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or again


def is_lack_of_room(error: sqlite3.Error) -> bool:
    """The disk is full, or lets nothing be written."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


def check_header(path: Path) -> None:
    """Raises sqlite3.DatabaseError where the first page was begun and is not as this program's files are."""
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100:
        return
    for at, allowed in _HEADER.items():
        if header[at : at + len(allowed[0])] not in allowed:
            raise damage(f"byte {at} of its header is damaged")


def _decoding(method: Callable[..., Result]) -> Callable[..., Result]:
    """SQLite quotes the file in its messages; where that is damaged they may be no UTF-8."""

    @wraps(method)
    def decoded(*args: Any, **kwargs: Any) -> Result:
        try:
            return method(*args, **kwargs)
        except UnicodeDecodeError as error:
            raise damage("its schema is damaged") from error

    return decoded


class _Cursor(sqlite3.Cursor):
    execute = _decoding(sqlite3.Cursor.execute)
    executemany = _decoding(sqlite3.Cursor.executemany)
    fetchone = _decoding(sqlite3.Cursor.fetchone)
    fetchall = _decoding(sqlite3.Cursor.fetchall)
    __next__ = _decoding(sqlite3.Cursor.__next__)


class DecodingConnection(sqlite3.Connection):
    """Raises sqlite3.DatabaseError in place of UnicodeDecodeError."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        """See sqlite3."""
        return super().cursor(factory)

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """See sqlite3."""
        return self.cursor().execute(*args)  # type: ignore[no-any-return]

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        """See sqlite3."""
        return self.cursor().executemany(*args)  # type: ignore[no-any-return]
