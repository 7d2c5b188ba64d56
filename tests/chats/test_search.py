"""Finding messages by words and by parts of them, in scripts with and without spaces."""

from pathlib import Path

import pytest

from spectra_local.chats.search import search
from spectra_local.chats.store import ChatStore
from spectra_local.history import database as database_module
from spectra_local.history.database import Database
from spectra_local.history.pairs import pair_query, pairs
from spectra_local.history.schema import migrations

MESSAGES = {
    "zebra": "Why do zebras have stripes? Ask Mr. Café_au_lait.",
    "weather": "今天天气很好，我们去公园。",
    "tomorrow": "明天天气不好",
    "japanese": "東京タワーはどこですか model B",
    "thai": "วันนี้อากาศดี",
    "korean": "오늘 날씨가 좋다",
    "code": "for (int i = 0; i < 100% ; i++) model()",
}


@pytest.fixture
def database(tmp_path: Path):
    database = Database(tmp_path / "store" / "x.sqlite")
    store = ChatStore(database)
    for name, text in MESSAGES.items():
        store.add(store.create(name), None, "user", text)
    yield database
    database.close()


def found(database: Database, words: str) -> set[str]:
    return {hit.title for hit in search(database, words) if hit.message is not None}


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("zebras", {"zebra"}),
        ("ZEB", {"zebra"}),
        ("cafe", {"zebra"}),
        ("stripes zebr", {"zebra"}),
        ("model", {"japanese", "code"}),
        ("今天", {"weather"}),
        ("天气", {"weather", "tomorrow"}),
        ("今天天气很", {"weather"}),
        ("气今", set()),
        ("园", {"weather"}),
        ("公园 天气", {"weather"}),
        ("タワー model", {"japanese"}),
        ("model タ", {"japanese"}),
        ("อากาศ", {"thai"}),
        ("날씨", {"korean"}),
        ('"* AND (', set()),
        ("   ", set()),
        ("nowhere", set()),
    ],
)
def test_messages_are_found_by_their_words(database: Database, words: str, titles: set[str]):
    assert found(database, words) == titles


def test_titles_are_found_by_any_part(database: Database):
    assert [hit.title for hit in search(database, "morr") if hit.message is None] == ["tomorrow"]


def test_what_changed_or_went_is_found_no_more(database: Database):
    store = ChatStore(database)
    hit = next(hit for hit in search(database, "今天") if hit.message)
    store.update(hit.message, "昨天", "complete")
    assert found(database, "今天") == set()
    assert found(database, "昨天") == {"weather"}
    store.delete(hit.chat)
    assert found(database, "昨天") == set()
    for table in ("message_words", "message_pairs"):
        database.connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 0)")


def test_many_hits_are_cut_and_the_newest_come_first(database: Database):
    store = ChatStore(database)
    chat = store.create("many")
    ids = [store.add(chat, None, "user", f"plenty of plent {n}") for n in range(30)]
    for words in ("plenty", "plent", "ple"):
        assert [hit.message for hit in search(database, words, 10)] == ids[:-11:-1]


def test_an_excerpt_shows_the_hit(database: Database):
    store = ChatStore(database)
    store.add(store.create("long"), None, "user", "word " * 500 + "needle in\nthe hay " + "word " * 500)
    excerpt = next(hit.excerpt for hit in search(database, "needle") if hit.message)
    assert "needle in the hay" in excerpt
    assert len(excerpt) < 100
    assert excerpt.startswith("…")


def test_chats_of_an_older_version_are_found_after_the_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "store" / "old.sqlite"
    older = {number: sql for number, sql in migrations().items() if number < 5}
    monkeypatch.setattr(database_module, "migrations", lambda: older)
    old = Database(path)
    old.connection.execute("INSERT INTO chats (title, created, changed) VALUES ('old', 0, 0)")
    old.connection.execute(
        "INSERT INTO messages (chat, role, text, outcome, created) VALUES (1, 'user', '今天天气', 'complete', 0)"
    )
    old.close()
    monkeypatch.undo()
    new = Database(path)
    assert found(new, "天气") == {"old"}
    new.close()


def test_pairs_overlap_and_their_phrases_are_runs():
    assert pairs("今天天气 a 很") == "今天 天天 天气 气 很"
    assert pairs("plain") == ""
    assert pair_query("今天天 好") == '"今天 天天" "好"*'
