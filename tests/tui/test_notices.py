"""What the program says of itself stands above the box, once, and is no message."""

import pytest
from fakes.chatting import app_with, chat, composer, ready, sees
from fakes.pilot import screen_text, wait_until

from spectra_local.settings import settings_file
from tui.screens.editor import EditorScreen
from tui.widgets.notices import Notices

WRONG = """
theem = "x"
theme = "mauve"
preset = "gone"
[parameters]
heat = 1
[keys]
"chat.nope" = "f9"
"nope.stop" = "f9"
"""
SAID = (
    "there is no setting 'theem'; there are model, theme, send",
    "there is no theme 'mauve'; there are",
    "there is no preset 'gone'; there are precise, balanced, creative",
    "there is no parameter 'parameters.heat'; there are temperature,",
    "there is no binding 'chat.nope'; there are chat.stop,",
    "there is no binding 'nope.stop'; there are app.…, chat.…",
)


@pytest.mark.parametrize("size", [(80, 50), (200, 60)])
async def test_wrong_lines_of_the_settings_are_said_once_above_the_box_with_the_valid_names(size: tuple[int, int]):
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(WRONG)
    async with app_with().run_test(size=size, notifications=True) as pilot:
        await ready(pilot)
        notices, box = chat(pilot).query_one(Notices), composer(pilot)
        await wait_until(pilot, lambda: notices.region.height >= len(SAID))
        said = notices.text
        assert [said.count(words) for words in SAID] == [1] * len(SAID)
        await wait_until(pilot, lambda: notices.region.bottom <= box.region.y)
        assert not pilot.app.screen.query("Toast")
        await pilot.press("f2", "ctrl+t")  # a changed setting reads the file again
        await pilot.pause()
        assert notices.text == said
        assert sum("'gone'" in line for line in screen_text(pilot).splitlines()) == 1


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_a_notice_leaves_the_box_free_at_any_size_and_goes(size: tuple[int, int]):
    async with app_with().run_test(size=size, notifications=True) as pilot:
        await ready(pilot)
        pilot.app.notify("something long " * 20, timeout=0.3)
        await sees(pilot, "something long")
        notices, box = chat(pilot).query_one(Notices), composer(pilot)
        await wait_until(pilot, lambda: notices.region.bottom <= box.region.y)
        assert box.region.bottom <= pilot.app.size.height
        assert notices.styles.border_left[0] == ""  # a message of the user's has a bar
        await wait_until(pilot, lambda: not notices.display)


async def test_a_notice_comes_into_the_editor_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with app_with().run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        pilot.app.open_file("new.txt")  # type: ignore[attr-defined]
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen) and pilot.app.screen.is_mounted)
        pilot.app.notify("a word")
        await sees(pilot, "a word")
