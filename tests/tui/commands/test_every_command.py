"""Each slash command does what it says; a new one without a test fails the last test here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pilot import screen_text, wait_until
from fakes.scripted import Gate, say
from textual.pilot import Pilot

from spectra_local.protocol import Text
from tui.commands import COMMANDS
from tui.screens.chats import ChatsScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.editor import EditorScreen
from tui.screens.help import HelpScreen
from tui.screens.models import ModelsScreen
from tui.screens.settings import SettingsScreen
from tui.screens.stats import StatsScreen
from tui.state import Phase

Check = Callable[[Pilot[None]], object]


def opens(screen: type) -> Check:
    return lambda pilot: isinstance(pilot.app.screen, screen)


def box_has(text: str) -> Check:
    return lambda pilot: composer(pilot).text == text


# In an order in which each works after the others; {file} is a text file, {here} the working folder.
STEPS: list[tuple[str, Check]] = [
    ("/help", opens(HelpScreen)),
    ("/stats", opens(StatsScreen)),
    ("/set", opens(SettingsScreen)),
    ("/set temperature 0.5", lambda p: chat(p)._adapter.sampling.temperature == 0.5),
    ("/set balanced", lambda p: p.app.settings.preset == "balanced"),
    ("/set temperature", lambda p: "temperature is 0.7 (preset balanced)." in screen_text(p)),
    ("/set temperature 0.6", lambda p: chat(p)._adapter.sampling.temperature == 0.6),
    ("/set temperature default", lambda p: chat(p)._adapter.sampling.temperature == 0.7),
    ("/system be brief", lambda p: chat(p)._adapter.system == "be brief"),
    ("/system off", lambda p: chat(p)._adapter.system == ""),
    ("/tint on", lambda p: p.app.settings.tint),
    ("/model", opens(ModelsScreen)),
    ("/chats", opens(ChatsScreen)),
    ("/search question", opens(ChatsScreen)),
    ("/save my title", lambda p: state(p).chat.title == "my title"),
    ("/copy", lambda p: p.app.clipboard == "The answer."),
    ("/copy question", lambda p: p.app.clipboard == "The question"),
    ("/export json", lambda _: Path("my-title.json").exists()),
    ("/duplicate", lambda p: state(p).chat.title == "my title (copy)"),
    ("/import my-title.json", lambda p: state(p).chat.title == "my title"),
    ("/edit", box_has("The question")),
    ("/read notes.txt", box_has("@notes.txt ")),
    ("/retry", lambda p: state(p).chat.turns[-1].text == "Another."),
    ("/open notes.txt", opens(EditorScreen)),
    ("/corpus", lambda p: "/corpus PATH has" in screen_text(p)),
    ("/corpus stop", lambda p: "No corpus is being read" in screen_text(p)),
    ("/forget", opens(ConfirmScreen)),
    ("/incognito", lambda p: state(p).chat.incognito),
    ("/new", lambda p: not state(p).chat.incognito and not state(p).chat.turns),
    ("/model off", lambda p: state(p).model.phase is Phase.DOWN),
    ("/quit", lambda p: p.app._exit),
]


async def test_every_command_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("remember the milk")
    async with app_with(say("The answer."), say("Another.")).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await answered(pilot, "The question")
        for typed, holds in STEPS:
            await wait_until(pilot, lambda: not state(pilot).model.busy)
            if state(pilot).chat.turns:
                chat(pilot).edit(None)
            composer(pilot).load_text(typed)
            assert not holds(pilot), f"{typed} has nothing to do"
            composer(pilot).send_text()
            await wait_until(pilot, lambda holds=holds: holds(pilot), typed)
            while len(pilot.app.screen_stack) > 1:
                pilot.app.pop_screen()


async def test_continue_goes_on():
    async with app_with([Text("Half"), Gate()], say(" and half.")).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Half")
        await pilot.press("escape")
        await ready(pilot)
        await send(pilot, "/continue")
        await sees(pilot, "Half and half.")


def test_no_command_is_left_out():
    tried = {typed[1:].split()[0] for typed, _ in STEPS} | {"continue"}
    assert tried == {command.name for command in COMMANDS}
