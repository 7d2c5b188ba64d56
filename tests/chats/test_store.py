"""Chats are kept, found, branched and really gone."""

import json
from collections.abc import Iterator
from hashlib import blake2b

import pytest

from spectra_local.chats.forgetting import forget
from spectra_local.chats.records import DAMAGED, UNREADABLE, Attachment, conversation_name, title_of
from spectra_local.chats.search import search
from spectra_local.chats.store import ChatStore
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> ChatStore:
    return ChatStore(database)


def conversation(store: ChatStore, *texts: str, title: str = "A chat") -> tuple[int, list[int]]:
    chat, ids, parent = store.create(title), [], None
    for n, text in enumerate(texts):
        parent = store.add(chat, parent, "assistant" if n % 2 else "user", text)
        ids.append(parent)
    return chat, ids


def texts(store: ChatStore, chat: int) -> list[str]:
    saved = store.load(chat)
    assert saved is not None
    return [m.text for m in saved.messages]


def test_a_chat_is_there_after_the_program_ended(store: ChatStore, database: Database):
    chat, _ = conversation(store, "Hi", "Hello")
    database.close()
    assert texts(ChatStore(Database()), chat) == ["Hi", "Hello"]


def test_the_latest_chat_is_the_one_that_changed_last(store: ChatStore):
    first, ids = conversation(store, "one")
    second, _ = conversation(store, "two")
    assert store.latest() == second
    store.add(first, ids[-1], "assistant", "again")
    assert store.latest() == first
    assert [c.id for c in store.summaries()] == [first, second]
    assert store.summaries()[0].n_messages == 2


def test_an_edit_is_a_branch_and_the_other_stays(store: ChatStore):
    chat, (ask, answer) = conversation(store, "Hi", "Hello")
    other = store.add(chat, None, "user", "Bye")
    assert texts(store, chat) == ["Bye"]
    assert store.siblings(ask) == [ask, other]
    saved = store.load(chat, message=answer)
    assert saved is not None
    assert [m.text for m in saved.messages] == ["Hi", "Hello"]


def test_words_are_found_in_titles_and_messages_and_while_they_are_typed(store: ChatStore, database: Database):
    chat, ids = conversation(store, "How do I bake Käse-bread?", "With flour.", title="Baking 100%")
    assert [(h.chat, h.message) for h in search(database, "bak")] == [(chat, None), (chat, ids[0])]
    assert [h.message for h in search(database, "kase BREAD")] == [ids[0]]
    assert search(database, "nowhere") == search(database, '"*(') == []
    assert "flour" in search(database, "flo")[0].excerpt


def test_chinese_words_are_found_inside_a_sentence(store: ChatStore, database: Database):
    _, ids = conversation(store, "今天天气很好吗")
    assert [h.message for h in search(database, "天气")] == [ids[0]]


def test_text_that_changes_is_found_by_its_last_words_alone(store: ChatStore, database: Database):
    chat = store.create("t")
    message = store.add(chat, None, "assistant", "", outcome="open")
    store.update(message, "half finished", "open")
    assert search(database, "half") == []
    store.update(message, "wholly finished", "complete")
    assert len(search(database, "wholly")) == 1
    store.update(message, "something else", "complete")
    assert search(database, "wholly") == []


def test_a_deleted_chat_is_in_no_file(store: ChatStore, database: Database):
    secret = "xylophonist"
    chat, _ = conversation(store, f"my {secret} word", f"{secret}!", title=secret)
    keep, _ = conversation(store, "stays")
    forget(database, Forget(conversation=conversation_name(chat)))
    assert store.load(chat) is None
    assert search(database, secret) == []
    assert texts(store, keep) == ["stays"]
    for path in database.path.parent.glob(f"{database.path.name}*"):
        assert secret.encode() not in path.read_bytes(), path


def test_a_title_of_the_users_is_not_changed_by_the_program(store: ChatStore):
    chat, _ = conversation(store, "Hi")
    store.rename(chat, "By model", by_user=False)
    store.rename(chat, "By hand")
    store.rename(chat, "By model again", by_user=False)
    assert store.summaries()[0].title == "By hand"


def test_a_copy_has_all_branches_and_lives_alone(store: ChatStore):
    chat, (ask, _) = conversation(store, "Hi", "Hello")
    store.add(chat, ask, "assistant", "Second", files=[Attachment("a.py", "x = 1")])
    copy = store.duplicate(chat)
    store.delete(chat)
    assert texts(store, copy) == ["Hi", "Second"]
    assert len(store.tree(copy).messages) == 3
    assert store.tree(copy).messages[-1].files == (Attachment("a.py", "x = 1"),)


def test_a_message_taken_back_leaves_the_one_before_it(store: ChatStore, database: Database):
    chat, ids = conversation(store, "Hi", "Hello", "More")
    store.remove_message(ids[1])
    assert texts(store, chat) == ["Hi"]
    assert search(database, "More") == []


def test_drafts_and_prompts_are_kept(store: ChatStore):
    chat, _ = conversation(store, "one", "x", "two", "x", "one")
    store.keep_draft(chat, "unsent \ud800")
    saved = store.load(chat)
    assert saved is not None
    assert saved.draft == "unsent ?"
    assert store.prompts(10) == ["two", "one"]


def test_what_was_chosen_for_a_chat_is_kept_with_it_and_with_its_copy(store: ChatStore):
    chat, _ = conversation(store, "q", "a")
    other, _ = conversation(store, "q", "a")
    store.choose(chat, '{"system": "Be brief."}')
    kept = [store.load(each) for each in (chat, store.duplicate(chat), other)]
    assert [saved and saved.own for saved in kept] == ['{"system": "Be brief."}', '{"system": "Be brief."}', "{}"]


def test_a_chat_sealed_before_there_were_choices_is_whole(store: ChatStore, database: Database):
    chat, _ = conversation(store, "q", title="old")
    before = blake2b(json.dumps([chat, "old", ""]).encode(), digest_size=16).digest()
    assert database.connection.execute("SELECT checksum FROM chats").fetchone() == (before,)


def test_choices_that_are_damaged_are_not_followed(store: ChatStore, database: Database):
    chat, _ = conversation(store, "q")
    store.choose(chat, '{"system": "Be brief."}')
    with database.transaction() as sql:
        sql.execute("UPDATE chats SET own = replace(own, 'brief', 'cruel')")
    saved = store.load(chat)
    assert saved
    assert (saved.title, saved.own) == (DAMAGED, UNREADABLE)


@pytest.mark.parametrize("change", ["draft", "title", "choice"])
def test_a_change_does_not_make_damage_count_as_whole(store: ChatStore, database: Database, change: str):
    chat, _ = conversation(store, "q")
    store.choose(chat, '{"system": "Be brief."}')
    with database.transaction() as sql:
        sql.execute("UPDATE chats SET title = 'cruel', draft = 'cruel', own = replace(own, 'brief', 'cruel')")
    if change == "draft":
        store.keep_draft(chat, "typed since")
    elif change == "title":
        store.rename(chat, "named since")
    else:
        store.choose(chat, '{"preset": "creative"}', before=UNREADABLE)
    saved = store.load(chat)
    assert saved
    assert "cruel" not in f"{saved.title} {saved.draft} {saved.own}"


def test_choices_that_another_program_forgot_do_not_come_back(store: ChatStore):
    chat, _ = conversation(store, "q")
    before = '{"system": "Be brief."}'
    store.choose(chat, before)
    store.choose(chat, "{}", before=before)
    assert not store.choose(chat, '{"system": "Be brief.", "preset": "creative"}', before=before)
    assert store.choose(chat, '{"preset": "creative"}')
    saved = store.load(chat)
    assert saved
    assert saved.own == '{"preset": "creative"}'


def test_a_title_is_the_first_words():
    assert title_of("  Hello\nthere ") == "Hello there"
    assert len(title_of("word " * 50)) <= 61
