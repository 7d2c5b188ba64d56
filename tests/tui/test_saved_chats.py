"""Chats that are kept, found again, branched, exported and forgotten, as a user does it."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.pilot import screen_text, wait_until
from fakes.scripted import say
from textual.widgets import Input

from spectra_local.chats import forgetting
from spectra_local.chats.records import Hit
from spectra_local.history.database import Database
from spectra_local.locations import database_file
from tui.archive import Archive
from tui.screens.chats import ChatsScreen
from tui.screens.confirm import ConfirmScreen


async def test_the_next_start_resumes_where_one_left_off_with_the_draft():
    async with app_with(say("First answer.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "First question")
        composer(pilot).insert("half a thou")
        await wait_until(pilot, lambda: ChatPage(pilot).kept_draft == "half a thou")
    async with app_with(say("Second answer.")).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "First answer.")
        await sees(pilot, "half a thou")
        await ready(pilot)
        await answered(pilot, "ght")
        assert [t.text for t in state(pilot).chat.turns][-2:] == ["half a thought", "Second answer."]


async def test_a_word_of_an_old_chat_leads_back_to_it():
    async with app_with(say("About zebras."), say("About lions.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "stripes")
        await pilot.press("ctrl+n")
        await answered(pilot, "manes")
        await send(pilot, "/search zebr")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        await sees(pilot, "About zebras.")
        await pilot.press("enter")
        await wait_until(pilot, lambda: state(pilot).chat.title == "stripes")
        await sees(pilot, "About zebras.")


async def test_a_chat_is_renamed_and_deleted_in_the_list():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "old title")
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: pilot.app.screen.query_one(Input).value == "old title")
        pilot.app.screen.query_one(Input).value = "better title"
        await pilot.press("enter")
        await sees(pilot, "better title")
        await pilot.press("delete")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.click("#yes")
        await sees(pilot, "No chats are saved yet.")
        await pilot.press("escape")
        await sees(pilot, "s p e c t r a")
        assert Archive().latest() is None


async def test_an_edited_message_is_another_branch_and_the_old_one_is_kept():
    async with app_with(say("One."), say("Two.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first try")
        await pilot.press("alt+up")
        assert composer(pilot).text == "first try"
        composer(pilot).load_text("second try")
        await pilot.press("enter")
        await sees(pilot, "Two.")
        assert [t.text for t in state(pilot).chat.turns] == ["second try", "Two."]
        assert "One." not in screen_text(pilot)
        assert len(Archive().tree(state(pilot).chat).messages) >= 3


async def test_an_export_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    async with app_with(say("Kept.")).run_test(size=(120, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "keep this")
        await send(pilot, "/export")
        await sees(pilot, "Written to ")
        await send(pilot, "/forget")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.click("#yes")
        await sees(pilot, "s p e c t r a")
        await send(pilot, "/import keep-this.md")
        await sees(pilot, "Kept.")


async def test_an_incognito_chat_never_touches_the_disk(spectra_home: Path):
    async with app_with(say("Whispered.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/incognito")
        await sees(pilot, "nothing is saved")
        await answered(pilot, "confidential")
        chat(pilot).save(draft=True)
    for path in spectra_home.rglob("*"):
        assert not path.is_file() or b"confidential" not in path.read_bytes(), path


async def test_a_file_is_attached_and_a_binary_one_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("remember the milk")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0\0")
    async with app_with(say("Milk.")).run_test(size=(120, 24)) as pilot:
        await ready(pilot)
        await send(pilot, f"/read {tmp_path}/image.png")
        await sees(pilot, "is a binary file")
        await send(pilot, f"/read {tmp_path}/notes.txt")
        await sees(pilot, "17 bytes")
        await answered(pilot, "What is it?")
        assert "remember the milk" in state(pilot).chat.messages()[0].content


async def test_a_broken_store_leaves_the_chat_usable_and_is_told(spectra_home: Path):
    place = spectra_home / "data" / "store"
    place.parent.mkdir(parents=True)
    place.write_text("a file where a folder should be")
    async with app_with(say("Still here.")).run_test(size=(120, 24), notifications=True) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "Still here.")
        await sees(pilot, "This chat is not being saved")
    assert place.read_text() == "a file where a folder should be"


async def test_what_a_locked_store_missed_is_saved_once_it_is_free():
    with closing(Database()):
        pass
    async with app_with(say("Still here."), say("And on.")).run_test(size=(120, 24), notifications=True) as pilot:
        await ready(pilot)
        with closing(sqlite3.connect(database_file(), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            await answered(pilot, "First")
            await sees(pilot, "Still here.")
            await sees(pilot, "This chat is not being saved")
        await answered(pilot, "Second")
        await wait_until(pilot, lambda: all(turn.row for turn in state(pilot).chat.turns))
    with closing(Archive()) as archive:
        latest = archive.latest()
    assert latest
    assert [turn.text for turn in latest[0].turns] == ["First", "Still here.", "Second", "And on."]


async def test_the_newest_search_wins_and_enter_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    slow = threading.Event()
    asked: list[str] = []
    plain = Archive.search

    def search(self: Archive, words: str) -> list[Hit]:
        asked.append(words)
        if words == "str":
            slow.wait(20)
        return plain(self, words)

    monkeypatch.setattr(Archive, "search", search)
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "strawberries")
        await pilot.press("ctrl+n")
        await answered(pilot, "stripes")
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        await pilot.press("s", "t", "r")
        await wait_until(pilot, lambda: "str" in asked)
        await pilot.press("a", "w", "b", "enter")  # while "str" is still being looked for
        slow.set()
        await wait_until(pilot, lambda: state(pilot).chat.title == "strawberries")
        assert asked[-1] == "strawb"
        assert "straw" not in asked  # what was overtaken is not looked for


async def test_deleting_holds_nothing_up_and_loses_nothing(monkeypatch: pytest.MonkeyPatch):
    goes_on = threading.Event()
    plain = forgetting.forget

    def slow_forget(*arguments: object) -> object:
        goes_on.wait(20)
        return plain(*arguments)

    monkeypatch.setattr(forgetting, "forget", slow_forget)
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "to be deleted")
        await send(pilot, "/forget")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.click("#yes")
        await sees(pilot, "s p e c t r a")
        await wait_until(pilot, lambda: chat(pilot).archive.is_busy)
        await answered(pilot, "meanwhile")  # while the other is erased
        goes_on.set()
        await wait_until(pilot, lambda: not chat(pilot).archive.is_busy)
        await wait_until(pilot, lambda: state(pilot).chat.turns[-1].row is not None, "saved as soon as it can be")
    archive = Archive()
    assert [each.title for each in archive.chats(5)] == ["meanwhile"]
    archive.close()


async def test_while_the_store_is_converted_one_can_write_and_ask(monkeypatch: pytest.MonkeyPatch):
    converted = threading.Event()

    class Converted(Database):
        def __init__(self, path: Path | None = None) -> None:
            converted.wait(30)
            super().__init__(path)

    monkeypatch.setattr("spectra_local.history.database.Database", Converted)
    async with app_with(say("Meanwhile.")).run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        await answered(pilot, "Are you there?")
        await sees(pilot, "Meanwhile.")
        await sees(pilot, "Saved chats are being brought")
        await pilot.press("up")
        assert composer(pilot).message == "Are you there?"
        converted.set()
        await wait_until(pilot, lambda: chat(pilot).state.chat.id is not None, "the chat is saved after all")


async def test_a_draft_is_no_chat_and_is_there_again_in_a_new_one():
    async with app_with(say("One."), say("Two.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first")
        await send(pilot, "/new")
        await wait_until(pilot, lambda: not state(pilot).chat.turns)
        await pilot.press(*"unsent")
        (listed,) = chat(pilot).archive.chats(10)
        await chat(pilot).open_chat(listed.id)
        assert [each.title for each in chat(pilot).archive.chats(10)] == ["first"]
        assert not chat(pilot).archive.search("unsent")
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: composer(pilot).text == "unsent")
        await pilot.press("enter")
        await sees(pilot, "Two.")
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: composer(pilot).text == "" and not state(pilot).chat.turns)


async def test_what_is_typed_before_the_last_chat_is_shown_does_not_hide_it(monkeypatch: pytest.MonkeyPatch):
    async with app_with(say("One.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first")
    resumed, latest = threading.Event(), Archive.latest

    def slow(archive: Archive) -> object:
        resumed.wait(60)
        return latest(archive)

    monkeypatch.setattr(Archive, "latest", slow)
    async with app_with().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*"typed early")
        chat(pilot).save(draft=True)
        resumed.set()
        await sees(pilot, "One.")
        assert composer(pilot).text == "typed early"
    resumed.clear()
    async with app_with().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*", more")
        resumed.set()  # perhaps it ends before that was shown
    async with app_with().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "One.")
        assert composer(pilot).text == "typed early, more"
