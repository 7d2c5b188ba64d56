"""Opens the one SQLite file: private, migrated, checked. Knows no tables; turns and chats have theirs in it.

A file of a newer program is opened read-only; a damaged one is kept aside and a new one begun. Both are said in
``notice``. See SQLite's "How To Corrupt" and "Defense Against The Dark Arts" for the pragmas.
"""

import contextlib
import logging
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from spectra_local import locations
from spectra_local.errors import StoreError
from spectra_local.file_lock import NoLocksError, require_locks
from spectra_local.history.damage import DecodingConnection, check_header, damage, is_damage, is_lack_of_room
from spectra_local.history.schema import current_schema, define_functions, has_schema, migrations, schema_of, statements

log = logging.getLogger("spectra_local.history")

BUSY_SECONDS = 10.0  # a VACUUM of 500 MB by another program takes some seconds
COPY = ".before-"  # part of the name of copies made before a migration
DAMAGED = ".damaged-"  # part of the name of files kept aside
_READ = "-read"  # ends the name of a damaged file of which all that can be read was saved
_UNREAD = re.compile(re.escape(DAMAGED) + r"[\d-]+(?:\.\d+)?$")
_SIDE_FILES = ("-wal", "-shm")


class Database:
    """One connection. Usable from any thread, by one at a time: hold ``transaction`` or ``lock``."""

    def __init__(self, path: Path | None = None, busy_seconds: float = BUSY_SECONDS) -> None:
        """Opens or makes the file at ``path`` (None: the user's). Raises StoreError where that cannot be.

        ``busy_seconds``: how long another program's writing is waited for.
        """
        self._busy_seconds = busy_seconds
        self.path = path or locations.database_file()
        self.notice = ""  # what the user should know, "" for nothing
        self.exposure = ""  # what to say where others may read the file, "" where they cannot
        self.read_only = False
        self.lock = threading.RLock()
        try:
            self.connection = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the history cannot be opened: {self.path}: {_reason(error)}") from error

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """All or nothing, committed when the block ends. Raises StoreError: read-only, full disk, damage, too busy.

        Not ``durable``: a power cut may take it back, a crash of the program cannot; for counts, which then cost no
        wait for the disk.
        """
        if self.read_only:
            raise StoreError(self.notice or f"{self.path} can only be read")
        with self.lock, self.errors(), self._synchronous("FULL" if durable else "NORMAL"):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _synchronous(self, level: str) -> Iterator[None]:
        self.connection.execute(f"PRAGMA synchronous = {level}")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA synchronous = FULL")

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Turns SQLite's errors into StoreError."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path}: {_reason(error)}") from error

    def wait_for_writers(self, seconds: float) -> None:
        """How long another program's writing is waited for from now on."""
        with self.lock, self.errors():
            self.connection.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")

    def data_version(self) -> int:
        """Changes when another connection has committed: PRAGMA data_version, a few microseconds."""
        with self.lock, self.errors():
            return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def erase_deleted(self) -> None:
        """Gives free pages and the log back to the file system: what was deleted is in no file any more."""
        with self.lock, self.errors():
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.connection.execute("VACUUM")
            busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(f"{self.path}: another program is reading; close it and forget again")

    def copies(self) -> list[Path]:
        """Copies made before migrations and damaged files kept aside; they hold text too."""
        found = [
            *self.path.parent.glob(f"{self.path.name}{COPY}*"),
            *self.path.parent.glob(f"{self.path.name}{DAMAGED}*"),
        ]
        return sorted(found)

    def unread(self) -> list[Path]:
        """Damaged files of which nobody has saved yet what can be read."""
        return [path for path in self.copies() if _UNREAD.search(path.name)]

    def mark_read(self, damaged: Path) -> Path:
        """After all that can be read of a damaged file was saved; returns its new name."""
        return _moved(damaged, damaged.with_name(f"{damaged.name}{_READ}"))

    def set_aside(self, *, read: bool = False) -> Path:
        """Moves the file away, because it is damaged; returns its new name. ``read``: what can be read was saved."""
        aside = self.path.with_name(f"{self.path.name}{DAMAGED}{time.strftime('%Y%m%d-%H%M%S')}{_READ * read}")
        number = 1
        while aside.exists():
            number += 1
            aside = aside.with_name(f"{aside.name.removesuffix(f'.{number - 1}')}.{number}")
        return _moved(self.path, aside)

    def leave_if_alone(self) -> bool:
        """Ends the log and closes the file, where no other program has it open; else it stays open and False comes.
        A damaged file may not tell: then nobody can use it, and it is closed."""
        with self.lock:
            try:
                if self.read_only:
                    self.close()
                    self.connection = _connect(self.path, "rw")
                self.connection.execute("PRAGMA busy_timeout = 0")
                (mode,) = self.connection.execute("PRAGMA journal_mode = DELETE").fetchone()
                alone = bool(mode == "delete")
            except sqlite3.Error as error:
                alone = is_damage(error)
            if alone:
                self.close()
            return alone

    def close(self) -> None:
        """Closes the connection; the log is then part of the file."""
        with self.lock, contextlib.suppress(sqlite3.Error):
            self.connection.close()

    # --- opening -----------------------------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        try:
            locations.private_dir(self.path.parent)
            require_locks(self.path.parent)
            # SQLite gives its side files the mode of the file, so it must be private before SQLite sees it.
            self.exposure = _made_private(self.path)
        except NoLocksError:
            raise
        except OSError as error:
            return self._opened_read_only(f"the history can only be read ({error.strerror})", error)
        try:
            check_header(self.path)
            return self._checked(_connect(self.path, "rw", self._busy_seconds))
        except sqlite3.DatabaseError as error:
            if is_lack_of_room(error):
                return self._opened_read_only(f"the history can only be read ({_reason(error)})", error)
            if not is_damage(error):
                raise
            aside = self.set_aside()
            self.notice = (
                f"the history was damaged and is kept as {aside.name}; a new one was begun. "
                "'spectra-chat history verify' saves what can be read."
            )
            log.warning("%s: %s; kept as %s", self.path, error, aside)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            return self._begun_after_damage(self._checked(_connect(self.path, "rw", self._busy_seconds)))

    def _begun_after_damage(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Numbers new rows so that they do not clash with those that are saved from the damaged file later."""
        for table in ("turns", "chats", "messages"):
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, int(time.time())])
        return connection

    def _opened_read_only(self, notice: str, cause: Exception) -> sqlite3.Connection:
        if not self.path.exists():
            raise cause
        self.read_only, self.notice = True, notice
        try:
            connection = _connect(self.path, "ro")
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.Error:  # WAL needs a folder that can be written; where nobody can write nothing changes either
            connection = _connect(self.path, "ro", immutable=True)
            connection.execute("SELECT count(*) FROM sqlite_schema")
        if (version := _user_version(connection)) < max(migrations()):
            connection.close()
            if not version:  # it was to be begun just now
                raise cause
            raise sqlite3.OperationalError(
                "it is of an older version, and cannot be brought up to date here"
            ) from cause
        return connection

    def _checked(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """The connection, migrated; raises sqlite3.DatabaseError where the file is damaged."""
        try:
            version = _user_version(connection)
            newest = max(migrations())
            if version > newest:
                notice = "the history was written by a newer version of spectra-chat: it is read, not added to"
                if schema_of(connection) == current_schema():
                    notice += "; if there was none, 'spectra-chat history verify' mends it"
                connection.close()
                return self._opened_read_only(notice, StoreError("newer"))
            connection.execute("PRAGMA journal_mode = WAL")
            if version < newest:
                self._migrate(connection, version)
            if not has_schema(connection, migrations()):
                raise damage("its schema is damaged")
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        if version:
            self._copy(connection, version)
        for number, sql in sorted(migrations().items()):
            connection.execute("BEGIN IMMEDIATE")
            try:
                if _user_version(connection) < number:  # another program may have been faster
                    for statement in statements(sql):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {number}")
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite may have done so itself
                    connection.execute("ROLLBACK")
                raise

    def _copy(self, connection: sqlite3.Connection, version: int) -> None:
        copy = self.path.with_name(f"{self.path.name}{COPY}{version + 1:04}")
        if copy.exists():
            return
        partial = copy.with_name(f"{copy.name}.{os.getpid()}.partial")
        os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
        target = sqlite3.connect(partial)
        try:
            connection.backup(target)
            target.close()
            partial.replace(copy)
            for older in self.path.parent.glob(f"{self.path.name}{COPY}*"):
                if older != copy:  # one copy of up to 500 MB is enough to go back by
                    older.unlink(missing_ok=True)
        finally:
            target.close()
            partial.unlink(missing_ok=True)


def _made_private(path: Path) -> str:
    """Makes the file, where there is none; returns what to say where its disk takes no modes. Raises OSError."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, 0o600)
            if not os.fstat(descriptor).st_mode & 0o077:
                return ""
    finally:
        os.close(descriptor)
    return (
        f"Other users of this machine may be able to read what is learned and saved: {path.parent} is on a disk that "
        "takes no file modes. SPECTRA_HOME may name a folder that does."
    )


def _connect(
    path: Path, mode: str, busy_seconds: float = BUSY_SECONDS, *, immutable: bool = False
) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False, factory=DecodingConnection
    )
    define_functions(connection)
    # A flipped bit may leave text that is no UTF-8: the row's checksum then tells, and the others can be read.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        for pragma in (
            "trusted_schema = OFF",  # a schema from elsewhere runs no functions
            "cell_size_check = ON",
            "secure_delete = ON",  # deleted text is overwritten, not only unlinked
            "foreign_keys = ON",
            "synchronous = FULL",  # what was acknowledged survives a power cut
            "temp_store = MEMORY",  # no text in temporary files
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def store_files() -> list[Path]:
    """All files of the user's database: itself, its log, copies, what was kept aside."""
    path = locations.database_file()
    return sorted(path.parent.glob(f"{path.name}*"))


def _moved(path: Path, to: Path) -> Path:
    path.replace(to)
    for suffix in _SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(to.with_name(to.name + suffix))
    return to


def _user_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_busy(error: StoreError) -> bool:
    """Whether another program was writing all the time, so that another try may do."""
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return {
        "database or disk is full": "the disk is full",
        "disk I/O error": "the disk is full, or does not let itself be written",
        "database disk image is malformed": "it is damaged; 'spectra-chat history verify' saves what is whole",
        "FOREIGN KEY constraint failed": "it was forgotten meanwhile",
        "database is locked": "another program is writing to it",
    }.get(str(error), str(error))
