"""Files that SQLite cannot use, or says so in bytes that are no text: told as damage, and read page by page."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from spectra_local.chats.verifying import verify_all
from spectra_local.history.database import Database
from spectra_local.history.pages import PAGE, rows
from spectra_local.history.salvage import columns_of_tables
from spectra_local.history.schema import fresh, has_schema, migrations
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file


def turn(text: str) -> Turn:
    return Turn("c", "user", "fp", text, tokens=np.arange(len(text), dtype=TOKEN), ts=1e9)


@pytest.fixture
def filled(spectra_home: Path) -> Path:
    with closing(Database()) as database:
        Store(database).add([turn("short"), turn("long " * 3000), turn("last")])
    return database_file()


def change(path: Path, at: int, by: int = 0x80) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= by
    path.write_bytes(content)


def texts() -> list[str]:
    with closing(Database()) as database:
        return [t.text for t in Store(database).turns()]


def verified() -> bool:
    with closing(Database()) as database:
        return verify_all(database).whole


@pytest.mark.parametrize("words", [b"conversation TEXT", b"CASCADE", b"turns_by_layer", b"VIRTUAL", b"beyond TEXT"])
@pytest.mark.parametrize("by", [0x80, 0x01])
def test_a_changed_letter_of_the_schema_is_damage_and_costs_no_row(filled: Path, words: bytes, by: int) -> None:
    change(filled, filled.read_bytes().index(words) + 2, by)
    with closing(Database()) as database:
        assert "kept as" in database.notice
        Store(database).add([turn("said meanwhile")])
    assert not verified()
    assert texts() == ["short", "long " * 3000, "last", "said meanwhile"]
    assert verified()


def test_rows_are_read_without_sqlite_from_the_log_too(spectra_home: Path) -> None:
    with closing(Database()) as database:
        Store(database).add([turn("one"), turn("x" * 20_000)])
        assert database_file().with_name(f"{database_file().name}-wal").stat().st_size > PAGE
        found = rows(database_file(), columns_of_tables())
    assert [row["text"] for row in found["turns"]] == ["one", "x" * 20_000]
    assert [row["name"] for row in found["layers"]] == ["own"]


def test_the_schema_is_known_by_the_words_of_its_steps() -> None:
    with closing(fresh()) as connection:
        assert has_schema(connection, migrations())
        connection.execute("DROP INDEX turns_by_layer")
        assert not has_schema(connection, migrations())


def test_other_trouble_is_no_damage(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("ROLLBACK")
    assert texts() == ["short", "long " * 3000, "last"] and not list(filled.parent.glob("*damaged*"))
