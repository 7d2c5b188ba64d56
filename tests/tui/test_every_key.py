"""Each key of the chat does what the help says; a new one without a test fails the last test here.

Keys of the editor and of the diff are tested with those.
"""

from collections.abc import Awaitable, Callable, Iterator

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pilot import has_ended, screen_text, wait_until
from fakes.scripted import Gate, say
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from spectra_local.protocol import Text
from tui.app import ChatApp
from tui.keys import APP_KEYS, CHAT_KEYS, CHATS_KEYS, COMPOSER_KEYS
from tui.screens.chats import ChatsScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.widgets.transcript import Transcript

LONG = "".join(f"{n}. number {n}\n" for n in range(1, 61))


KEYS = {key.id: key for key in (*COMPOSER_KEYS, *CHAT_KEYS, *APP_KEYS, *CHATS_KEYS)}


@pytest.fixture(scope="module", autouse=True)
def pressed(request: pytest.FixtureRequest) -> Iterator[set[str]]:
    """The keys that did what was waited for; none may be left out where all tests of this file run."""
    done: set[str] = set()
    yield done
    chosen = {item.name for item in request.session.items if item.path == request.path}
    if chosen == {name for name in dir(request.module) if name.startswith("test_")}:
        assert done == set(KEYS)


Press = Callable[[Pilot[None], str, Callable[[], object]], Awaitable[None]]


@pytest.fixture
def press(pressed: set[str]) -> Press:
    """Presses the first key of a binding and waits for what it does, and what was not so before."""

    async def press(pilot: Pilot[None], key_id: str, holds: Callable[[], object]) -> None:
        assert not holds(), f"{key_id} has nothing to do"
        await pilot.press(KEYS[key_id].keys.partition(",")[0])
        await wait_until(pilot, holds, key_id)
        pressed.add(key_id)

    return press


async def test_keys_of_the_box(press: Press):
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*"ab")
        await press(pilot, "composer.newline", lambda: composer(pilot).text == "ab\n")
        await press(pilot, "composer.undo", lambda: composer(pilot).text == "ab")
        await press(pilot, "composer.redo", lambda: composer(pilot).text == "ab\n")
        await press(pilot, "composer.send", lambda: state(pilot).chat.turns)
        await pilot.press(*"/du")
        await press(pilot, "composer.complete", lambda: composer(pilot).text == "/duplicate")


async def test_keys_that_move(press: Press):
    async with app_with(say(LONG)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "number 60")
        view = chat(pilot).query_one(Transcript)
        bottom = view.max_scroll_y
        await press(pilot, "chat.up", lambda: 0 < view.scroll_y < bottom)
        at = view.scroll_y
        await press(pilot, "chat.down", lambda: view.scroll_y > at)
        await press(pilot, "chat.top", lambda: view.scroll_y == 0)
        await press(pilot, "chat.bottom", lambda: view.scroll_y == view.max_scroll_y)


async def test_keys_that_stop_and_ask_again(press: Press):
    scripts = ([Text("Half"), Gate()], say("Another."), [Text("Third"), Gate()])
    async with app_with(*scripts).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Half")
        await press(pilot, "chat.stop", lambda: "Stopped." in screen_text(pilot))
        await ready(pilot)
        await press(pilot, "chat.retry", lambda: "Another." in screen_text(pilot))
        await ready(pilot)
        await press(pilot, "chat.copy", lambda: pilot.app.clipboard == "Another.")
        await press(pilot, "chat.branch_before", lambda: "Half" in screen_text(pilot))
        await press(pilot, "chat.branch_after", lambda: "Another." in screen_text(pilot))
        await press(pilot, "chat.edit", lambda: composer(pilot).text == "Hi")
        await press(pilot, "chat.new", lambda: not state(pilot).chat.turns)
        await send(pilot)
        await sees(pilot, "Third")
        await press(pilot, "chat.interrupt", lambda: "Stopped." in screen_text(pilot))


async def test_keys_of_the_app(monkeypatch, press: Press):
    suspended: list[str] = []
    monkeypatch.setattr(ChatApp, "action_suspend_process", lambda self: suspended.append("app"))
    monkeypatch.setattr(
        "tui.screens.writing.WritingScreen.action_external_editor", lambda _: suspended.append("editor")
    )
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        theme, tint = app.theme, app.settings.tint
        await press(pilot, "app.theme", lambda: app.theme != theme)
        await press(pilot, "chat.tint", lambda: app.settings.tint != tint)
        await press(pilot, "chat.editor", lambda: suspended == ["editor"])
        await press(pilot, "app.suspend", lambda: suspended == ["editor", "app"])
        await press(pilot, "app.help", lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await press(pilot, "app.palette", lambda: isinstance(app.screen, CommandPalette))
        await pilot.press("escape")
        await wait_until(pilot, lambda: len(app.screen_stack) == 1)
        await press(pilot, "app.quit", lambda: has_ended(pilot))


async def test_the_key_that_ends(press: Press):
    async with app_with().run_test(size=(80, 24)) as pilot:
        await press(pilot, "chat.end", lambda: has_ended(pilot))


async def test_keys_of_the_list_of_chats(press: Press):
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for n in range(13):
            store = chat(pilot).archive.store
            store.add(store.create(f"chat {n}"), None, "user", "words")
        await press(pilot, "chat.list", lambda: isinstance(pilot.app.screen, ChatsScreen))
        options = pilot.app.screen.query_one(OptionList)
        await wait_until(pilot, lambda: options.option_count == 13)
        steps: list[tuple[str, int]] = [("down", 1), ("page_down", 11), ("up", 10), ("page_up", 0)]
        for key, row in steps:
            await press(pilot, f"chats.{key}", lambda row=row: options.highlighted == row)
        box = pilot.app.screen.query_one(Input)
        await press(pilot, "chats.rename", lambda: box.value == "chat 12")
        await pilot.press("escape")
        await press(pilot, "chats.delete", lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))
        await press(pilot, "chats.close", lambda: len(pilot.app.screen_stack) == 1)
