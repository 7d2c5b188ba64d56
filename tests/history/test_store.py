import os
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_local.errors import StoreError
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.history.schema import migrations
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn


@pytest.fixture
def store(spectra_home: Path) -> Store:
    return Store(Database())


def turn(text: str = "hello", conversation: str = "c", ts: float = 1000.0, **fields: object) -> Turn:
    return Turn(conversation, "user", "fp", text, tokens=np.arange(5, dtype=np.int32), ts=ts, **fields)  # type: ignore[arg-type]


def bytes_anywhere(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_turn_comes_back_whole(store: Store) -> None:
    (identity,) = store.add([turn("grüße\x00\n")])
    (found,) = store.turns()
    assert (found.id, found.text, found.tokens.tolist()) == (identity, "grüße\x00\n", [0, 1, 2, 3, 4])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(), st.lists(st.integers(0, 2**21), max_size=30)), max_size=5))
def test_what_was_added_is_what_is_read_in_a_new_connection(turns: list[tuple[str, list[int]]]) -> None:
    store = Store(Database())
    before = store.last_id()
    store.add([Turn("c", "model", "fp", text, tokens=np.array(ids, np.int32), ts=1.0) for text, ids in turns])
    store.database.close()
    again = Store(Database())
    clean = [(text.encode("utf-8", "replace").decode(), ids) for text, ids in turns]
    assert [(t.text, t.tokens.tolist()) for t in again.turns(after=before)] == clean
    again.database.close()


def test_turns_are_found_by_layer_date_conversation_and_tokenizer(store: Store) -> None:
    store.create_layer("team")
    store.add([turn("a"), turn("b", "d", 2000.0), turn("c", layer="team")])
    assert [t.text for t in store.turns(layer="team")] == ["c"]
    assert [t.text for t in store.turns(since=1500.0)] == ["b"]
    assert [t.text for t in store.turns(conversation="c")] == ["a", "c"]
    assert not list(store.turns(fingerprint="other"))


def test_turns_are_all_read_however_many(store: Store) -> None:
    store.add([turn(str(i)) for i in range(450)])
    assert [t.text for t in store.turns()] == [str(i) for i in range(450)]


def test_a_removed_layer_takes_its_turns_along(store: Store) -> None:
    store.import_layer("team", [turn("theirs"), turn("also")])
    store.add([turn("mine")])
    assert store.remove_layer("team") == 2
    assert [t.text for t in store.turns()] == ["mine"]
    with pytest.raises(StoreError, match="no layer 'team'"):
        store.remove_layer("team")
    with pytest.raises(StoreError, match="forget --all"):
        store.remove_layer("own")


def test_an_import_that_fails_leaves_nothing(store: Store) -> None:
    def broken() -> object:
        yield turn("one")
        raise StoreError("damaged")

    with pytest.raises(StoreError):
        store.import_layer("team", broken())  # type: ignore[arg-type]
    assert [layer.name for layer in store.layers()] == ["own"]
    assert not list(store.turns())


def test_a_name_is_taken_once(store: Store) -> None:
    store.create_layer("team")
    with pytest.raises(StoreError, match="already"):
        store.create_layer("team")


@pytest.mark.parametrize(
    "what", [{"conversation": "secret"}, {"containing": "HUNTER2"}, {"before": 500.0}, {"everything": True}]
)
def test_what_is_forgotten_is_in_no_file(store: Store, spectra_home: Path, what: dict[str, object]) -> None:
    needle = "the password is hunter2-" + "x" * 40
    kept = [turn(f"kept {i} " * 50) for i in range(200)]
    secret = Turn("secret", "user", "fp", needle * 20, tokens=np.full(3000, 0x5EC12E7, np.int32), ts=100.0)
    store.add([*kept[:100], secret, *kept[100:]])
    assert b"hunter2" in bytes_anywhere(spectra_home)
    assert store.forget(Forget(**what)) == (201 if "everything" in what else 1)  # type: ignore[arg-type]
    left = bytes_anywhere(spectra_home)
    assert b"hunter2" not in left
    assert np.full(3, 0x5EC12E7, "<i4").tobytes() not in left
    assert len(list(store.turns())) == (0 if "everything" in what else 200)


def test_forgetting_removes_copies_too(store: Store, spectra_home: Path) -> None:
    store.add([turn("hunter2")])
    copy = store.database.path.with_name(store.database.path.name + ".before-0002")
    copy.write_bytes(store.database.path.read_bytes())
    store.forget(Forget(containing="hunter2"))
    assert not copy.exists()


def test_deleting_raises_the_generation(store: Store) -> None:
    store.add([turn("a")])
    before = store.generation()
    store.forget(Forget(conversation="c"))
    assert store.generation() > before


def test_old_and_unused_turns_are_evicted_first(store: Store) -> None:
    text = "x" * 20_000
    ids = store.add([turn(text, ts=1e9 + i) for i in range(100)])
    store.count_uses(ids[:10])
    store.cap = 1_000_000
    gone = store.evict()["own"]
    left = [t.id for t in store.turns()]
    assert gone and left[:10] == ids[:10] and left[10:] == ids[10 + gone :]
    assert store.size() <= store.cap
    assert store.evict() == {}


def test_imports_and_corpora_make_room_before_what_was_said_here_whatever_their_dates(store: Store) -> None:
    own = store.add([turn("x" * 20_000, ts=1.0) for _ in range(20)])
    for name in ("friend", "texts"):
        store.import_layer(name, [turn("y" * 20_000, ts=2e9) for _ in range(20)])
    with store.database.transaction() as sql:
        sql.execute(
            "INSERT INTO corpora (layer, paths, keep, max_tokens, model, scorer) VALUES (3, '[]', 1, 9, '', '')"
        )
    store.count_uses(range(own[-1] + 1, 61))
    store.cap = store.size() * 2 // 3
    first = store.evict()
    assert set(first) == {"friend", "texts"} and first["friend"] == 20 > first["texts"]
    assert [t.id for t in store.turns(layer="own")] == own
    store.cap = store.size() // 3
    second = store.evict()
    assert second["own"] > 0 and first["texts"] + second["texts"] == 20
    assert store.evicted() == {"friend": 20, "own": second["own"], "texts": 20}


def test_a_damaged_row_is_left_out_and_noted(store: Store) -> None:
    ids = store.add([turn("a"), turn("b")])
    store.database.connection.execute("UPDATE turns SET text = 'B' WHERE id = ?", [ids[1]])
    assert [t.text for t in store.turns()] == ["a"]
    assert store.damaged == {ids[1]}


def test_every_file_is_private_under_any_umask(spectra_home: Path) -> None:
    old = os.umask(0)
    try:
        store = Store(Database())
        store.add([turn()])
        data = spectra_home / "data"
        paths = [data, *data.rglob("*")]
        assert len(paths) >= 4
        assert all(path.stat().st_mode & 0o077 == 0 for path in paths)
    finally:
        os.umask(old)


def test_a_newer_schema_is_only_read(store: Store) -> None:
    store.add([turn("a")])
    store.database.connection.execute("PRAGMA user_version = 9999")
    store.database.close()
    newer = Store(Database())
    assert newer.database.read_only and "newer version" in newer.database.notice
    assert [t.text for t in newer.turns()] == ["a"]
    with pytest.raises(StoreError, match="newer version"):
        newer.add([turn("b")])


def test_a_copy_is_made_before_migrating(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([turn("a")])
    store.database.close()
    version = max(migrations())
    more = {**migrations(), version + 1: "CREATE TABLE later (x) STRICT;".replace("x", "x INTEGER")}
    monkeypatch.setattr("spectra_local.history.database.migrations", lambda: more)
    migrated = Database()
    (copy,) = migrated.copies()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sqlite3.connect(copy).execute("SELECT text FROM turns").fetchall() == [("a",)]
    assert [t.text for t in Store(migrated).turns()] == ["a"]
    assert migrated.connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
    migrated.close()
    more[version + 2] = "CREATE TABLE later_still (x INTEGER) STRICT;"
    (newest,) = Database().copies()
    assert newest.name.endswith(f"{version + 2:04}"), "the copy of before the last upgrade is kept"


@pytest.mark.parametrize(
    "content", [b"no database at all, but some text" * 100, b"SQLite format 3\x00" + b"\xff" * 9000]
)
def test_a_damaged_file_is_kept_aside(spectra_home: Path, content: bytes) -> None:
    path = spectra_home / "data" / "store" / "spectra.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    database = Database()
    assert "kept as" in database.notice
    (aside,) = database.copies()
    assert aside.read_bytes() == content
    Store(database).add([turn()])


def test_a_folder_that_cannot_be_written_is_one_clear_error(spectra_home: Path) -> None:
    spectra_home.mkdir(exist_ok=True)
    (spectra_home / "data").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="the history cannot be opened"):
        Database()


def test_an_older_file_that_cannot_be_written_is_one_clear_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.database.connection.execute("PRAGMA user_version = 1")
    store.database.close()

    def refused(path: Path) -> Path:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("spectra_local.locations.private_dir", refused)
    with pytest.raises(StoreError, match="older version, and cannot be brought up to date"):
        Database()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
def test_on_a_full_disk_what_is_there_can_be_read(store: Store) -> None:
    import resource

    store.add([turn("a" * 5000)])
    store.database.close()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))  # less than SQLite's side files
    try:
        full = Store(Database())
        assert [len(t.text) for t in full.turns()] == [5000]
        assert "can only be read" in full.database.notice
        with pytest.raises(StoreError, match="can only be read"):
            full.add([turn("b")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_two_connections_write_in_turns(store: Store) -> None:
    other = Store(Database())
    for _ in range(20):
        store.add([turn("a")])
        other.add([turn("b")])
    assert len(list(store.turns())) == 40


def test_another_programs_commit_is_noticed(store: Store) -> None:
    before = store.database.data_version()
    store.add([turn()])
    assert store.database.data_version() == before
    Store(Database()).add([turn()])
    assert store.database.data_version() != before
