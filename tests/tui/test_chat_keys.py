"""What keys do in the chat: stop, quit, copy, help."""

import pytest
from fakes.chatting import answered, app_with, composer, ready, sees, send
from fakes.pilot import has_ended, wait_until
from fakes.scripted import Gate, say

from spectra_local.protocol import Text
from tui import clipboard
from tui.app import ChatApp
from tui.screens.chat import ChatScreen
from tui.screens.help import HelpScreen
from tui.widgets.composer import Composer

SIZES = [(40, 10), (80, 24), (200, 60)]


async def test_ctrl_c_stops_then_hints_then_quits():
    async with app_with([Text("Half"), Gate()]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Half")
        await pilot.press("ctrl+c")
        await sees(pilot, "Stopped.")
        await pilot.press("ctrl+c")
        await sees(pilot, "ctrl+c again, or ctrl+q, quits.")
        assert pilot.app.is_running
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: has_ended(pilot))


async def test_ctrl_c_copies_a_selection():
    async with app_with().run_test(size=(80, 24)) as pilot:
        composer(pilot).insert("copy me")
        composer(pilot).select_all()
        await pilot.press("ctrl+c")
        await wait_until(pilot, lambda: pilot.app.clipboard == "copy me")


async def test_ctrl_d_quits_only_with_nothing_typed():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "ctrl+d")
        assert not has_ended(pilot)
        await pilot.press("backspace", "ctrl+d")
        await wait_until(pilot, lambda: has_ended(pilot))


async def test_the_last_answer_is_copied_as_markdown_and_printable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clipboard, "tools", lambda: [("true",)])
    async with app_with(say("**bold** \x1b[31mred")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await pilot.press("ctrl+y")
        await sees(pilot, "Answer copied.")
        assert pilot.app.clipboard == "**bold** ␛[31mred"


@pytest.mark.parametrize("size", SIZES)
async def test_help_lists_every_key_and_closes(size: tuple[int, int]):
    async with app_with().run_test(size=size) as pilot:
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await sees(pilot, "ctrl+j")
        await pilot.press("escape")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))


async def test_both_themes_draw_an_answer():
    async with app_with(say("```python\nx = 1\n```\n")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        for theme in ("spectra-light", "spectra-dark"):
            await pilot.press("f2")
            await wait_until(pilot, lambda theme=theme: pilot.app.theme == theme)
            await sees(pilot, "x = 1")


async def test_every_binding_has_an_id_and_a_keymap_can_move_it():
    app = app_with(say("Yes."))
    app.set_keymap({"chat.new": "f8"})
    async with app.run_test(size=(80, 24)) as pilot:
        own = [*ChatApp.BINDINGS, *ChatScreen.BINDINGS, *Composer.BINDINGS]
        assert all(getattr(binding, "id", None) for binding in own)
        await ready(pilot)
        await answered(pilot)
        await pilot.press("f8")
        await sees(pilot, "s p e c t r a")
