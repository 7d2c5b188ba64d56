"""Keys that come together, over ssh or from a fast hand, act in their order."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes.chatting import app_with, composer, ready
from fakes.pilot import wait_until
from fakes.scripted import ScriptedAssistant
from textual import events
from textual.pilot import Pilot

from tui.app import ChatApp
from tui.screens.editor import EditorScreen
from tui.widgets.code_area import CodeArea


def together(pilot: Pilot[None], keys: Sequence[str]) -> None:
    """All are there before the first acts."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_text_does_not_overtake_the_cursor_in_the_box():
    async with app_with().run_test() as pilot:
        await ready(pilot)
        together(pilot, ["a", "b", "c", "home", "X", "end", "Y", "backspace", "Z"])
        await wait_until(pilot, lambda: composer(pilot).text == "XabcZ")


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["down", "end", "X"], "one\ntwoX\nthree\n"),
        (["down", "end", "backspace", "Z", "enter", "W"], "one\ntwZ\nW\nthree\n"),
        (["down", "down", "delete", "T"], "one\ntwo\nThree\n"),
    ],
)
async def test_text_does_not_overtake_the_cursor_in_the_editor(tmp_path: Path, keys: list[str], text: str):
    path = tmp_path / "lines.txt"
    path.write_text("one\ntwo\nthree\n")
    async with ChatApp(ScriptedAssistant, file=str(path)).run_test() as pilot:
        await ready(pilot)
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen))
        area = pilot.app.screen.query_one(CodeArea)
        await wait_until(pilot, lambda: area.has_focus and area.text.startswith("one"))
        together(pilot, keys)
        await wait_until(pilot, lambda: area.text == text)
