"""Text that looks like markup or moves cursors: shown, never obeyed, wherever it comes from."""

import asyncio
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from spectra_local.errors import SpectraError
from spectra_local.history.savings import Tried
from spectra_local.printable import printable, printable_line
from spectra_local.protocol import Notice, Text
from tui.adapter import Adapter, failure_of
from tui.app import ChatApp
from tui.archive import Archive
from tui.candidates import Candidate
from tui.editing.edited_file import EditedFile
from tui.figures import by_source
from tui.screens.chat import ChatScreen
from tui.screens.chats import ChatsScreen, line_of
from tui.screens.confirm import ConfirmScreen
from tui.screens.diff import DiffScreen, diff
from tui.screens.editor import EditorScreen
from tui.screens.recovered import RecoveredScreen
from tui.screens.unsaved import UnsavedScreen
from tui.state import Phase, State
from tui.status import Status
from tui.widgets.answer import Answer
from tui.widgets.code_area import CodeArea
from tui.widgets.completions import Completions
from tui.widgets.composer import Composer
from tui.widgets.failure_panel import FailurePanel
from tui.widgets.instruction_box import InstructionBox
from tui.widgets.question import Question
from tui.widgets.search_box import SearchBox
from tui.widgets.status_line import StatusLine

FRAGMENTS = ["[bold]", "[/]", "[red on", "[@click=app.quit]x[/]", "[link='", "$primary", "]]", "[[", "\\[", "{", "}",
             "\x1b[31m", "\x1b]52;c;aGk=\x07", "\x1b[2J", "\x9b31m", "\r", "\x08", "\x7f", "\u202e", "\u2066", "\u2028",
             "**", "`", "```\n", "# ", "- ", "1. ", "> ", "| a | b |\n|---|---|\n", "[x](javascript:alert)", "![i](y)",
             "<script>", "&lt;", "\t", "\n", "\n\n", " ", "word", "好", "🎉", "e\u0301", "\u200d",
             "'", '"', "\\"]  # fmt: skip
STRINGS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), min_size=1, max_size=12).map("".join)
ROUND = 20  # strings in one run of the app
MANY = 2_000
IN_THE_EDITOR = 10  # one of so many: each is a file that is read and drawn anew
LOOK_EVERY = 50  # strings: each look is a frame


@cache
def _many() -> list[str]:
    """As hypothesis makes them, shrinking left out: each is an example of its own to the widgets that follow."""
    found: list[str] = []

    @settings(max_examples=MANY // ROUND, deadline=None, database=None, derandomize=True)
    @given(strings=st.lists(STRINGS, min_size=ROUND, max_size=ROUND))
    def gather(strings: list[str]) -> None:
        found.extend(strings)

    gather()
    return found[:MANY]


def assert_shown_not_obeyed(pilot: Pilot[None]) -> None:
    for character in screen_text(pilot):
        assert character == "\n" or unicodedata.category(character) not in ("Cc", "Cs"), repr(character)
        assert printable(character) == character, repr(character)


class Widgets(App[None]):
    """Every widget that shows foreign text, for each of the strings."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self._strings = strings

    def compose(self) -> ComposeResult:
        for text in self._strings:
            yield Question(text)
            yield FailurePanel(failure_of(SpectraError(text), can_restart=False, returned=text))

    async def on_mount(self) -> None:
        for text in self._strings:
            answer, adapter = Answer(), Adapter(State())
            await self.mount(answer)
            adapter.ask(text)
            frame = adapter.receive([Notice(text), *(Text(character) for character in text)], 0.0)
            for notice in frame.notices:
                answer.notice(notice)
            answer.write(frame.text)
            await answer.finish("")


@settings(max_examples=10, deadline=None)
@given(strings=st.lists(STRINGS, min_size=ROUND, max_size=ROUND))
def test_every_widget_shows_any_text(strings: list[str]):
    async def show() -> None:
        async with Widgets(strings).run_test(size=(60, 500)) as pilot:
            await pilot.pause()
            assert_shown_not_obeyed(pilot)

    asyncio.run(show())


async def test_a_conversation_of_any_texts():
    different = [*dict.fromkeys(_many())]
    strings = different[:: len(different) // ROUND][:ROUND]
    assert len(strings) == ROUND
    scripts = [
        [Notice(text), SpectraError(text)] if n % 3 == 2 else [Notice(text), *say(text)]
        for n, text in enumerate(strings)
    ]
    assistant = ScriptedAssistant(*scripts)
    async with ChatApp(lambda: assistant).run_test(size=(60, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ChatScreen)
        state, composer = screen.state, screen.query_one(Composer)
        for n, text in enumerate(strings):
            await wait_until(pilot, lambda: state.model.phase is Phase.IDLE)
            composer.post_message(events.Paste(f"x{text}"))
            await wait_until(pilot, lambda: composer.text)
            assert_shown_not_obeyed(pilot)
            await pilot.press("enter")
            await wait_until(pilot, lambda n=n: len(assistant.requests) == n + 1)
            await wait_until(pilot, lambda: state.chat.open_answer() is None)
            await pilot.pause()
            assert_shown_not_obeyed(pilot)
            composer.clear()


async def test_completions_show_hostile_names_and_obey_none():
    async with ChatApp(ScriptedAssistant).run_test(size=(120, 40)) as pilot:
        for text in FRAGMENTS:
            await pilot.app.screen.query(Completions).remove()
            completions = Completions()
            await pilot.app.screen.mount(completions)
            completions.offer([Candidate(text, text)])
            await pilot.pause()
            assert_shown_not_obeyed(pilot)


async def test_two_thousand_strings_as_commands_files_titles_and_suggestions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.py").write_text("x = 1\n")
    strings = _many()
    assert len(strings) == MANY
    async with ChatApp(ScriptedAssistant).run_test(size=(60, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ChatScreen)
        await wait_until(pilot, lambda: screen.state.model.phase is Phase.IDLE)
        commands = ("", "set", "read", "import", "export", "copy", "tint", "model-that-is-none")
        for n, text in enumerate(strings):
            name = commands[n % len(commands)]
            await screen.run_command(name or text, text if name else "", typed=f"/{text}")
            screen.query_one(StatusLine).show(Status(doing=printable_line(text), name=printable_line(text)))
            if pilot.app.screen is not screen:  # white space alone is no argument, and a page opens
                await pilot.pause()
                await pilot.app.pop_screen()
            assert_clean(pilot, n)
            screen.query_one(Composer).clear()
        assert isinstance(pilot.app, ChatApp)
        assert not pilot.app.open_file("file.py")
        editor = pilot.app.screen
        assert isinstance(editor, EditorScreen)
        await wait_until(pilot, lambda: editor.query(CodeArea))
        for n, text in enumerate(string.replace("\0", "") for string in strings[::IN_THE_EDITOR]):
            file = hostile_file(text)
            editor.area.take(file)
            assert file.exactly(editor.area.text) == text
            editor.area.move_cursor(editor.area.document.end)
            editor.area.show_ghost(text)
            editor.area.show_frame(printable_line(text), printable_line(text))
            editor.query_one(InstructionBox).ask_about(printable_line(text))
            editor.query_one(SearchBox).value = printable_line(text)
            editor.query_one(SearchBox).ask()
            editor.say(text)
            assert_clean(pilot, n)


async def test_two_thousand_strings_in_lists_questions_and_diffs():
    strings = _many()
    async with ChatApp(ScriptedAssistant).run_test(size=(60, 30)) as pilot:
        chats = ChatsScreen(Archive(), lambda _: None)
        await pilot.app.push_screen(chats)
        options = chats.query_one(OptionList)
        for n, (text, other) in enumerate(pairwise(strings)):
            options.clear_options().add_option(Option(line_of(text, 0.0, other, is_current=False)))
            chats.query_one(Input).value = printable_line(text)
            assert_clean(pilot, n)
        chats.dismiss(None)
        for n, (text, other) in enumerate(pairwise(strings)):
            for shown in (diff(text, other), by_source({text: Tried(1, 1)}, 40)):
                assert printable(shown.plain) == shown.plain
            if n % LOOK_EVERY == 0:
                line = printable_line(text)
                recovered = RecoveredScreen(line, line, same_file=False)
                confirm, unsaved = ConfirmScreen("?", text, "yes"), UnsavedScreen(line)
                for screen in (DiffScreen(line, text, other), confirm, unsaved, recovered):
                    await pilot.app.push_screen(screen)
                    await pilot.pause()
                    assert_shown_not_obeyed(pilot)
                    await pilot.app.pop_screen()


def assert_clean(pilot: Pilot[None], n: int) -> None:
    if n % LOOK_EVERY == 0:
        assert_shown_not_obeyed(pilot)


def hostile_file(text: str) -> EditedFile:
    Path("hostile.txt").write_bytes(text.encode())
    return EditedFile("hostile.txt")
