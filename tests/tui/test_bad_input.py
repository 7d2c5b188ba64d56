"""What goes wrong around a chat: a line that says what to do, and the chat stays."""

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pilot import wait_until
from fakes.scripted import ScriptedAssistant, say

from spectra_local.catalogue import added, resolve
from spectra_local.catalogue.entries import entries
from spectra_local.catalogue.naming import name_of
from spectra_local.chats.attachments import MOST_BYTES
from spectra_local.errors import ModelNotFoundError
from spectra_local.locations import database_file
from spectra_local.settings import load_settings, settings_file
from tui.app import ChatApp
from tui.archive import Archive
from tui.widgets.failure_panel import FailurePanel
from tui.widgets.notices import Notices


def write_lock() -> sqlite3.Connection:
    """Another program that writes, for as long as the connection lives."""
    connection = sqlite3.connect(database_file(), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


async def test_a_locked_database_is_told_once_and_holds_nothing_up():
    async with app_with(say("Yes.")).run_test(size=(100, 24), notifications=True) as pilot:
        await ready(pilot)
        await answered(pilot, "before")
        with contextlib.closing(write_lock()):
            await answered(pilot, "meanwhile")
            await sees(pilot, "is not being saved")
            begun = time.monotonic()
            assert chat(pilot).archive.save(state(pilot).chat) == ""  # told once
            assert time.monotonic() - begun < 5  # SQLite alone would wait for ten seconds at each save
        chat(pilot).save()
        latest = Archive().latest()
        assert latest is not None
        assert [turn.text for turn in latest[0].turns] == ["before", "Yes.", "meanwhile", "Yes."]


async def test_a_damaged_database_is_kept_aside_and_a_new_one_begun():
    path = database_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    async with app_with(say("Still here.")).run_test(size=(100, 30), notifications=True) as pilot:
        await sees(pilot, "was damaged")
        await ready(pilot)
        await answered(pilot)
        assert list(path.parent.glob("*damaged*"))
        assert Archive().latest() is not None


async def test_a_database_that_is_damaged_while_it_is_used_leaves_the_chat():
    async with app_with(say("Yes.")).run_test(size=(100, 24), notifications=True) as pilot:
        await ready(pilot)
        await answered(pilot, "before")
        with contextlib.closing(sqlite3.connect(database_file())) as another:
            assert another.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        with database_file().open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 200_000)
        await answered(pilot, "after")
        await answered(pilot, "and again")
        assert len(state(pilot).chat.turns) == 6
        await pilot.press("ctrl+o")
        await pilot.press("escape")
        assert pilot.app.is_running


async def test_a_model_whose_file_is_gone_is_a_panel_and_another_can_be_chosen(tmp_path: Path):
    file = tmp_path / "model.gguf"
    file.write_text("x")

    def open_assistant() -> ScriptedAssistant:
        resolve(str(file))
        return ScriptedAssistant(say("Fine."))

    def open_named(_: str) -> ScriptedAssistant:
        return ScriptedAssistant(say("Another."))

    async with ChatApp(open_assistant, open_named).run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        file.unlink()
        chat(pilot).load_model()  # as after its process died
        await sees(pilot, "there is no file")
        await sees(pilot, "/model chooses another")
        await send(pilot, "/model other")
        await ready(pilot)
        await answered(pilot, "again")
        await sees(pilot, "Another.")
        await wait_until(pilot, lambda: load_settings()[0].model == "other")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF\0\0", "is a binary file"),
        (b"\xff\xfe latin", "is no UTF-8 text"),
        (b"word " * 20_000, "context holds 8,192"),
        (b" " * (MOST_BYTES + 1), "at most 4.2 MB can be read"),
    ],
    ids=["binary", "encoding", "context", "huge"],
)
@pytest.mark.parametrize("typed", ["/read {}", "look at @{}"])
async def test_an_attachment_that_cannot_be_used_is_refused_with_the_text_kept(
    tmp_path: Path, content: bytes, words: str, typed: str
):
    (tmp_path / "f").write_bytes(content)
    async with app_with().run_test(size=(200, 24)) as pilot:
        await ready(pilot)
        await send(pilot, typed.format(tmp_path / "f"))
        await sees(pilot, words)
        assert state(pilot).chat.turns == []
        if not typed.startswith("/"):
            assert composer(pilot).text == typed.format(tmp_path / "f")


async def test_a_preset_of_nonsense_is_a_notice_and_the_rest_is_used():
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text('preset = "wild"\n[presets.wild]\ntemperature = "hot"\nmin_p = 7\n[presets]\nx = 1\n')
    async with app_with(say("Yes.")).run_test(size=(100, 24), notifications=True) as pilot:
        await ready(pilot)
        notices = chat(pilot).query_one(Notices).text
        assert "min_p must be a number from 0 to 1" in notices
        assert "presets.x is no table" in notices
        await ready(pilot)
        await send(pilot, "/set wild")
        await sees(pilot, "Preset 'wild'")
        await send(pilot, "/set temperature hot")
        await sees(pilot, "temperature must be a number from 0 to 5")
        await answered(pilot)


async def test_the_welcome_is_back_after_a_failure_is_over():
    attempts: list[int] = []

    def open_assistant() -> ScriptedAssistant:
        attempts.append(1)
        if len(attempts) == 1:
            raise ModelNotFoundError("there is no model 'x'")
        return ScriptedAssistant()

    async with ChatApp(open_assistant).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "there is no model 'x'")
        await pilot.press("enter")
        await sees(pilot, "s p e c t r a")
        assert not chat(pilot).query(FailurePanel)


def test_an_added_model_whose_file_is_gone_is_told_as_such(tmp_path: Path):
    added.remember("mine", tmp_path / "gone.gguf")
    with pytest.raises(ModelNotFoundError, match=r"the file of mine, which was added, is gone.*models remove mine"):
        resolve("MINE")


def test_a_model_has_one_name(tmp_path: Path):
    entry = entries()[0]
    added.remember("mine", tmp_path / "some-file.gguf")
    assert name_of(tmp_path / entry.file, "trained by x") == entry.name
    assert name_of(tmp_path / "some-file.gguf", "trained by x") == "mine"
    assert name_of(tmp_path / "Other-Q4.gguf", "trained by x") == "Other-Q4"
    assert name_of("/m/sha256-ab12", "Llama 3.2\x1b") == "Llama 3.2␛"
