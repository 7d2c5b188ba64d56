"""What a user wants gone is in no file, whichever way it got there; what is to stay stays."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spectra_local.chats.forgetting import Gone, forget, preview, remove_layer
from spectra_local.chats.records import DAMAGED, FORGOTTEN, Attachment, conversation_name
from spectra_local.chats.search import search
from spectra_local.chats.store import ChatStore
from spectra_local.errors import StoreError
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.history.index import Index
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import private_dir, segments_dir, unsaved_dir
from spectra_local.speculation.traces import CORE_FILE, CORPORA

SECRET = "Hunter2ÄÖ-swordfish"
TOKENS = np.array([70_001, 70_002, 70_003, 70_004] * 8, TOKEN)


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


def turn(text: str, conversation: str, ts: float, tokens: object = range(9), beyond: str = "") -> Turn:
    return Turn(conversation, "user", "fp", text, tokens=np.array(tokens, TOKEN), ts=ts, beyond=beyond)


def fill(database: Database, home: Path) -> tuple[int, int]:
    """Two chats, of which one holds the secret in every place that there is; turns, index, statistics, copies."""
    chats, store = ChatStore(database), Store(database)
    keep = chats.create("stays")
    chats.add(keep, None, "user", "an ordinary question")
    chat = chats.create(f"about {SECRET}")
    first = chats.add(chat, None, "user", f"my password is {SECRET}", files=[Attachment("notes", f"x {SECRET} ü")])
    chats.add(chat, first, "assistant", f"I shall remember {SECRET}")
    chats.keep_draft(chat, f"and now {SECRET}")
    old = time.time() - 1e6
    store.add([
        turn("kept", conversation_name(keep), time.time(), [5] * 2000),
        turn(f"my password is {SECRET}", conversation_name(chat), old, TOKENS),
        turn("", conversation_name(chat), old, TOKENS, beyond=f"You are helpful. {SECRET.upper()}"),
    ])  # fmt: skip
    database.connection.execute("UPDATE messages SET created = ? WHERE chat = ?", [old, chat])
    database.connection.execute("UPDATE chats SET changed = ? WHERE id = ?", [old, chat])
    store.add([turn(f"filler {i}", "filler", time.time(), [7] * 4000) for i in range(9)])
    index = Index(store, "fp", 80_000)
    index.wait()
    index.close()
    core = home / "cache" / "speculation" / "model" / CORE_FILE
    core.parent.mkdir(parents=True)
    core.write_bytes(TOKENS.tobytes() + SECRET.encode())
    for name in (".before-0003", ".damaged-20260101-000000", ".damaged-20260101-000000-wal"):
        copy = database.path.with_name(database.path.name + name)
        copy.write_bytes(database.path.read_bytes() + SECRET.encode() + TOKENS.tobytes())
    assert found_anywhere(home) == {"utf-8", "tokens"}
    return keep, chat


def found_anywhere(home: Path) -> set[str]:
    data = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    needles = {
        "utf-8": SECRET.encode(),
        "upper": SECRET.upper().encode(),
        "escaped": json.dumps(SECRET).encode(),
        "utf-16": SECRET.encode("utf-16-le"),
        "tokens": TOKENS[:4].tobytes(),
        "word": b"swordfish",
    }
    found = {name for name, needle in needles.items() if needle in data}
    return found - {"upper", "escaped", "word"} if found >= {"utf-8", "tokens"} else found


@pytest.mark.parametrize("what", ["conversation", "containing", "before", "everything"])
def test_nothing_of_it_is_left_in_any_file(database: Database, spectra_home: Path, what: str) -> None:
    keep, chat = fill(database, spectra_home)
    asked = {
        "conversation": Forget(conversation=conversation_name(chat)),
        "containing": Forget(containing="hunter2äö-SWORDFISH"),
        "before": Forget(before=time.time() - 1e5),
        "everything": Forget(everything=True),
    }[what]
    told = preview(database, asked)
    assert found_anywhere(spectra_home) == {"utf-8", "tokens"}, "looking changes nothing"
    assert forget(database, asked) == told
    assert told == (Gone(12, 2, 0, 3) if what == "everything" else Gone(2, 1, 0, 3))
    assert found_anywhere(spectra_home) == set()
    assert search(database, "swordfish") == []
    kept = ChatStore(database).load(keep)
    assert (kept is None) == (what == "everything")
    assert len(list(Store(database).turns())) == (0 if what == "everything" else 10)
    database.connection.execute("INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)")


def test_in_a_chat_that_goes_on_a_message_leaves_its_place(database: Database, spectra_home: Path) -> None:
    store = ChatStore(database)
    chat = store.create("First words")
    ask = store.add(chat, None, "user", "First words")
    answer = store.add(chat, ask, "assistant", f"about the {SECRET}")
    store.add(chat, answer, "user", "And then?", files=[Attachment("a.txt", SECRET)])
    assert forget(database, Forget(containing=SECRET)) == Gone(0, 0, 2, 0)
    saved = store.load(chat)
    assert saved is not None and saved.title == "First words"
    assert [(m.text, m.files) for m in saved.messages] == [("First words", ()), (FORGOTTEN, ()), (FORGOTTEN, ())]
    assert found_anywhere(spectra_home) == set()
    assert preview(database, Forget(containing=SECRET)) == Gone(0, 0, 0, 0)
    assert [hit.message for hit in search(database, "first")] == [None, ask]


def test_before_a_day_takes_the_beginning_of_a_chat_that_went_on(database: Database) -> None:
    store = ChatStore(database)
    chat = store.create("Old words")
    ask = store.add(chat, None, "user", "Old words")
    store.add(chat, ask, "assistant", "New words")
    database.connection.execute("UPDATE messages SET created = 1000 WHERE id = ?", [ask])
    assert forget(database, Forget(before=2000.0)) == Gone(0, 0, 1, 0)
    saved = store.load(chat)
    assert saved is not None and saved.title == FORGOTTEN
    assert [m.text for m in saved.messages][1] == "New words"


@pytest.mark.parametrize(
    "own",
    [
        '{"system": "Mind %s.", "preset": "creative"}',
        '{"preset": "%s"',
        '["%s"]',
        '{"system": [{"x": "%s"}]}',
        '{"parameters": {"%s": 1}}',
        '{"x": "Hunter2\\u00c4\\u00d6-sword\\u0066ish"}',
    ],
)
def test_what_was_chosen_for_a_chat_goes_and_is_counted(database: Database, spectra_home: Path, own: str) -> None:
    store = ChatStore(database)
    chat = store.create("about keys")
    store.add(chat, None, "user", "hello")
    store.choose(chat, own.replace("%s", SECRET))
    what = Forget(containing="swordfish")
    assert str(preview(database, what)) == "1 system prompt of a chat"
    assert not forget(database, what).is_empty
    saved = store.load(chat)
    assert saved
    assert (saved.title, saved.own, len(saved.messages)) == ("about keys", "{}", 1)
    assert found_anywhere(spectra_home) == set()


@pytest.mark.parametrize("word", ["system", "temperature", "parameters"])
def test_the_names_of_choices_are_nobodys_words(database: Database, word: str) -> None:
    store = ChatStore(database)
    chat = store.create("about keys")
    store.add(chat, None, "user", "hello")
    store.choose(chat, '{"system": "Be brief.", "parameters": {"temperature": 0.5}}')
    assert preview(database, Forget(containing=word)).is_empty


def test_forgetting_other_words_does_not_make_damage_count_as_whole(database: Database) -> None:
    store = ChatStore(database)
    chat = store.create("about keys")
    store.add(chat, None, "user", "hello")
    store.choose(chat, '{"system": "Be brief."}')
    with database.transaction() as sql:
        sql.execute("UPDATE chats SET own = replace(own, 'brief', 'cruel')")
    forget(database, Forget(containing="swordfish"))
    saved = store.load(chat)
    assert saved
    assert (saved.title, saved.own) == (DAMAGED, "{}")


def test_choices_together_narrow(database: Database) -> None:
    store = Store(database)
    store.add([turn("red", "a", 10.0), turn("red", "b", 10.0), turn("red", "a", 30.0)])
    assert forget(database, Forget(conversation="a", containing="RED", before=20.0)).turns == 1
    assert [(t.conversation, t.ts) for t in store.turns()] == [("b", 10.0), ("a", 30.0)]


def test_an_empty_choice_is_no_choice() -> None:
    for empty in ({}, {"containing": ""}, {"conversation": ""}):
        with pytest.raises(ValueError, match="what to forget"):
            Forget(**empty)  # type: ignore[arg-type]


def test_a_damaged_message_is_told_and_not_shown(database: Database) -> None:
    store = ChatStore(database)
    chat = store.create("title")
    ids = [store.add(chat, None, "user", "fine"), store.add(chat, None, "user", "pay 100")]
    database.connection.execute("UPDATE messages SET text = 'pay 900' WHERE id = ?", [ids[1]])
    assert [m.text for m in store.tree(chat).messages] == [
        "fine",
        "(damaged on disk: 'spectra-chat history verify' tells more)",
    ]
    database.connection.execute("UPDATE chats SET title = 'titlf'")
    assert "damaged" in store.summaries()[0].title


def test_making_room_is_not_forgetting(database: Database) -> None:
    store, other = Store(database), Store(Database(), cap=200_000)
    store.add([turn("x" * 5000, "c", 1e9 + i) for i in range(60)])
    index = Index(store, "fp", 100)
    before = store.generation()
    assert other.evict() and store.generation() > before
    assert not index.refresh(), "CORE and what this process remembers stay"
    other.forget(Forget(containing="x"))
    assert index.refresh()
    index.close()
    other.database.close()


def test_everything_includes_what_the_editor_kept_and_all_layers(database: Database) -> None:
    private_dir(unsaved_dir())
    (unsaved_dir() / "a.json").write_text("typed")
    with database.transaction() as sql:
        sql.execute("INSERT INTO layers (name, created) VALUES ('theirs', 1.0)")
    gone = forget(database, Forget(everything=True))
    assert (gone.layers, gone.unsaved) == (1, 1)
    assert "1 import or corpus, 1 unsaved text" in str(gone)
    assert not list(unsaved_dir().glob("*.json"))


def test_what_the_editor_kept_goes_by_its_words_and_its_day_and_stays_with_a_conversation(database: Database) -> None:
    private_dir(unsaved_dir())
    for name, text, kept in (("old", "an Übung", 1e9), ("new", "an übung too", 2e9), ("other", "words", 1e9)):
        (unsaved_dir() / f"{name}.json").write_text(json.dumps({"text": text, "kept": kept}))
    assert preview(database, Forget(conversation="chat-1")).unsaved == 0
    assert preview(database, Forget(containing="ÜBUNG")).unsaved == 2
    assert forget(database, Forget(containing="ÜBUNG", before=1.5e9)).unsaved == 1
    assert {file.stem for file in unsaved_dir().glob("*.json")} == {"new", "other"}
    assert forget(database, Forget(before=1.5e9)).unsaved == 1
    assert {file.stem for file in unsaved_dir().glob("*.json")} == {"new"}


def fill_layers(database: Database) -> None:
    """An import, a corpus of files and one of the model's own answers, all of them old."""
    store = Store(database)
    for name, paths in (("theirs", None), ("files", '["/made"]'), ("answers", "[]")):
        store.create_layer(name)
        store.add([replace(turn(f"plums of {name}", name, 10.0), layer=name)])
        if paths:
            database.connection.execute(
                "INSERT INTO corpora (layer, paths, keep, max_tokens, model, scorer) "
                "SELECT id, ?, 1.0, 9, 'm', 's' FROM layers WHERE name = ?",
                [paths, name],
            )


def test_a_day_is_of_what_was_said_here_not_of_what_was_added(database: Database) -> None:
    fill_layers(database)
    Store(database).add([turn("said", "c", 10.0)])
    asked = Forget(before=20.0)
    assert preview(database, asked) == forget(database, asked) == Gone(1, 0, 0, 0, corpus_texts=1)
    assert [t.layer for t in Store(database).turns()] == ["theirs", "files"]


def test_words_go_from_corpora_too_and_the_question_names_them(database: Database) -> None:
    fill_layers(database)
    told = preview(database, Forget(containing="PLUMS"))
    assert str(told) == "1 learned turn, 2 texts of corpora"
    assert not forget(database, Forget(containing="plums of files")).is_empty
    assert [t.layer for t in Store(database).turns()] == ["theirs", "answers"]


def test_an_answer_that_is_being_written_is_forgotten_with_its_question(database: Database) -> None:
    chats = ChatStore(database)
    chat = chats.create("kept")
    first = chats.add(chat, None, "user", "other words")
    asked = chats.add(chat, first, "user", "who is Wilhelmina?")
    answer = chats.add(chat, asked, "assistant", "She is", outcome="open")
    with closing(Database()) as other:
        forget(other, Forget(containing="wilhelmina"))
    chats.update(answer, "She is Wilhelmina, a quokka", "complete")
    saved = chats.load(chat)
    assert saved and [m.text for m in saved.messages] == ["other words", FORGOTTEN, FORGOTTEN]


def test_a_chat_that_was_forgotten_meanwhile_is_no_riddle(database: Database) -> None:
    chats = ChatStore(database)
    chat = chats.create("gone")
    asked = chats.add(chat, None, "user", "who?")
    with closing(Database()) as other:
        forget(other, Forget(everything=True))
    with pytest.raises(StoreError, match="forgotten meanwhile"):
        chats.add(chat, asked, "assistant", "me")


def test_each_room_erases_its_own_files_alone(database: Database, spectra_home: Path) -> None:
    folder = private_dir(spectra_home / "cache" / "speculation" / "model")
    segment = private_dir(segments_dir() / "x") / "1.segment"
    for path in (folder / CORE_FILE, folder / f"{CORPORA}1.bin", folder / "core.of-another-room", segment):
        path.write_bytes(b"text")
    Store(database).erase_deleted()
    assert not segment.exists() and (folder / CORE_FILE).exists()
    forget(database, Forget(containing="text"))
    assert [path.name for path in folder.iterdir()] == ["core.of-another-room"]


def test_what_was_derived_from_a_layer_goes_with_it(database: Database, spectra_home: Path) -> None:
    core = private_dir(spectra_home / "cache" / "speculation" / "model") / CORE_FILE
    core.write_bytes(b"text")
    store = Store(database)
    store.import_layer("friend", [turn("lent", "c", 1e9)])
    assert remove_layer(store, "friend") == 1 and not core.exists()
