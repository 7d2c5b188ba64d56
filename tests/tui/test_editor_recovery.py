"""What the editor keeps of text that was not saved, on a scripted model and without a terminal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fakes.chatting import sees
from fakes.editing import editing, file_of
from fakes.pilot import has_ended, wait_until
from fakes.scripted import ScriptedAssistant
from textual.pilot import Pilot

from spectra_local.locations import data_dir
from spectra_local.private_file import write_private
from tui.app import ChatApp
from tui.screens.editor import EditorScreen
from tui.screens.recovered import RecoveredScreen
from tui.screens.unsaved import UnsavedScreen


def kept_files() -> list[Path]:
    return sorted((data_dir() / "unsaved").glob("*.json"))


@asynccontextmanager
async def killed_while_editing(path: Path) -> AsyncIterator[Pilot[None]]:
    """The file edited until kill -9: what was kept until then stays, whatever an orderly end does with it."""
    async with editing(path) as (pilot, _, _a):
        yield pilot
        await wait_until(pilot, kept_files)
        (kept,) = kept_files()
        left = kept.read_bytes()
    write_private(kept, left)


async def test_what_was_not_saved_when_the_program_ended_is_offered_and_brought_back(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\r\n")
    async with killed_while_editing(path) as pilot:
        await pilot.press(*"new ")
    (kept,) = kept_files()
    assert kept.stat().st_mode & 0o777 == 0o600
    async with editing_after_a_crash(path) as (pilot, editor):
        await pilot.press("escape")  # later: asked again at the next opening
        await wait_until(pilot, lambda: has_ended(pilot))
    async with editing_after_a_crash(path) as (pilot, editor):
        await pilot.press("enter")
        await wait_until(pilot, lambda: editor.area.text == "new a = 1\n")
        assert path.read_bytes() == b"a = 1\r\n"
        await pilot.press("alt+z")
        assert editor.area.text == "a = 1\n"
        await pilot.press("alt+y", "ctrl+s")
        await wait_until(pilot, lambda: path.read_bytes() == b"new a = 1\r\n")
        assert not kept_files()


async def test_what_is_dropped_or_discarded_is_not_offered_again(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\n")
    async with killed_while_editing(path) as pilot:
        await pilot.press("x")
    path.write_text("a = 2\n")
    async with editing_after_a_crash(path) as (pilot, editor):
        await sees(pilot, "since, too: saving them will replace that")
        await pilot.click("#drop")
        await wait_until(pilot, lambda: pilot.app.screen is editor)
        assert not kept_files()
        await pilot.press("y")
        await wait_until(pilot, lambda: len(kept_files()) == 1)
        await pilot.press("alt+q")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, UnsavedScreen))
        await pilot.click("#discard")
        await wait_until(pilot, lambda: has_ended(pilot))
    assert not kept_files()
    assert path.read_text() == "a = 2\n"


async def test_text_that_is_again_as_it_was_saved_needs_no_recovery(tmp_path: Path):
    async with editing(file_of(tmp_path, "a = 1\n")) as (pilot, editor, _):
        await pilot.press("x")
        await wait_until(pilot, kept_files)
        await pilot.press("backspace")
        await wait_until(pilot, lambda: not editor.changed)
        await wait_until(pilot, lambda: not kept_files())


async def test_a_hang_up_keeps_what_nobody_was_asked_about(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\n")
    async with editing(path) as (pilot, _, _a):
        await pilot.press("x")
        pilot.app.exit()
    assert len(kept_files()) == 1


@asynccontextmanager
async def editing_after_a_crash(path: Path) -> AsyncIterator[tuple[Pilot[None], EditorScreen]]:
    """The file opened with something left behind; the question about it is on the screen."""
    app = ChatApp(ScriptedAssistant, file=str(path))
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, RecoveredScreen))
        editor = pilot.app.screen_stack[-2]
        assert isinstance(editor, EditorScreen)
        yield pilot, editor
