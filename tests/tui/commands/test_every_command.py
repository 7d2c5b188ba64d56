"""Each slash command does what it says; a new one without a test fails the last test here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.pilot import has_ended, screen_text, wait_until
from fakes.scripted import Gate, ScriptedAssistant, say
from textual.pilot import Pilot

from spectra_local.protocol import Text
from tui.adapter import CHAT_SAMPLING
from tui.app import ChatApp
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


def temperature(pilot: Pilot[None]) -> float:
    """Of the next answer."""
    return chat(pilot).in_force.sampling(CHAT_SAMPLING).temperature


def box_has(text: str) -> Check:
    return lambda pilot: composer(pilot).text == text


# In an order in which each works after the others; {file} is a text file, {here} the working folder.
STEPS: list[tuple[str, Check]] = [
    ("/help", opens(HelpScreen)),
    ("/stats", opens(StatsScreen)),
    ("/set", opens(SettingsScreen)),
    ("/set temperature 0.5", lambda p: temperature(p) == 0.5),
    ("/set balanced", lambda p: state(p).chat.own.preset == "balanced"),
    ("/set temperature", lambda p: "temperature is 0.7 (preset balanced)." in screen_text(p)),
    ("/set temperature 0.6", lambda p: temperature(p) == 0.6),
    ("/set temperature default", lambda p: temperature(p) == 0.7),
    ("/system be brief", lambda p: chat(p).in_force.system == "be brief"),
    ("/system off", lambda p: chat(p).in_force.system == ""),
    ("/default", lambda p: p.app.settings.preset == "balanced"),
    ("/default off", lambda p: p.app.settings.preset == "precise"),
    ("/set default", lambda p: state(p).chat.own.preset == ""),
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
    ("/quit", has_ended),
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


async def test_what_is_set_is_what_the_model_is_asked_with():
    assistant = ScriptedAssistant(say("Yes."))
    async with ChatApp(lambda: assistant).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        for command in ("/set temperature 0.5", "/system be brief"):
            await send(pilot, command)
            await ready(pilot)
        await ChatPage(pilot).ask("Is it?")
        request = assistant.requests[-1]
        assert request.sampling.temperature == 0.5
        assert [message.content for message in request.messages] == ["be brief", "Is it?"]
        await send(pilot, "/system off")
        await ChatPage(pilot).ask("And now?")
        assert "be brief" not in [message.content for message in assistant.requests[-1].messages]


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
