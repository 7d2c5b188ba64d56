"""The editor as a user meets it, on a scripted model and without a terminal."""

from pathlib import Path

import pytest
from fakes.chatting import app_with, ready, sees, send, state
from fakes.editing import editing, file_of
from fakes.pilot import has_ended, screen_text, wait_until
from fakes.scripted import INFO, Gate, say
from textual.pilot import Pilot
from textual.widgets import Button

from spectra_local.errors import WorkerError
from spectra_local.locations import config_dir
from spectra_local.protocol import Text
from tui.editing.edited_file import EditedFile
from tui.screens.chat import ChatScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.diff import DiffScreen
from tui.screens.editor import EditorScreen
from tui.screens.unsaved import UnsavedScreen
from tui.state import Phase
from tui.widgets.instruction_box import InstructionBox
from tui.widgets.search_box import SearchBox


async def ghost(pilot: Pilot[None], editor: EditorScreen, text: str) -> None:
    await wait_until(pilot, lambda: editor.area.ghost == text, f"the suggestion {text!r}; {editor.area.ghost!r} is")


async def test_a_suggestion_of_two_lines_is_drawn_between_the_lines_and_tab_takes_it(tmp_path: Path):
    async with editing(file_of(tmp_path), say("return a + b\n    # done")) as (pilot, editor, _):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b\n    # done")
        lines = [line.strip("│ ▁▂▃▄▅▆▇█▊▎").rstrip() for line in screen_text(pilot).split("\n")]
        at = next(n for n, line in enumerate(lines) if "return a + b" in line)
        assert "# done" in lines[at + 1]
        assert "print(add(1, 2))" in lines[at + 3]
        assert "return" not in editor.area.text
        await pilot.press("tab")
        assert editor.area.text == "def add(a, b):\n    return a + b\n    # done\n\nprint(add(1, 2))\n"
        assert (editor.figures.suggested, editor.figures.taken) == (1, 1)


async def test_typing_asks_by_itself_after_a_moment_and_what_is_typed_of_it_is_not_asked_again(tmp_path: Path):
    async with editing(file_of(tmp_path), say("eturn a + b")) as (pilot, editor, assistant):
        editor.area.move_cursor((1, 4))
        await pilot.press("r")
        await ghost(pilot, editor, "eturn a + b")
        await pilot.press("e", "t")
        assert editor.area.ghost == "urn a + b"
        await pilot.press("backspace")
        assert editor.area.ghost == "turn a + b"
        assert len(assistant.requests) == 1


async def test_a_word_or_a_line_of_it_is_taken_and_the_rest_stays(tmp_path: Path):
    async with editing(file_of(tmp_path), say("return a + b\n    # done")) as (pilot, editor, assistant):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b\n    # done")
        await pilot.press("ctrl+right")
        assert editor.area.ghost == " a + b\n    # done"
        await pilot.press("shift+tab")
        assert editor.area.ghost == "\n    # done"
        await pilot.press("shift+tab")
        assert "    return a + b\n    # done\n" in editor.area.text
        assert len(assistant.requests) == 1
        assert editor.figures.taken == 1


async def test_other_suggestions_are_made_and_cycled(tmp_path: Path):
    async with editing(file_of(tmp_path), say("return a + b"), say("return sum((a, b))")) as (pilot, editor, _):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b")
        await wait_until(pilot, lambda: editor.figures.suggested == 1)
        await pilot.press("alt+n")
        await ghost(pilot, editor, "return sum((a, b))")
        await sees(pilot, "2 of 2")
        await pilot.press("alt+p")
        await ghost(pilot, editor, "return a + b")


async def test_moving_hides_a_suggestion_escape_refuses_it_and_a_key_brings_it_back(tmp_path: Path):
    async with editing(file_of(tmp_path), say("return a + b")) as (pilot, editor, assistant):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b")
        await pilot.press("up")
        assert editor.area.ghost == ""
        await pilot.press("down", "ctrl+@")
        await ghost(pilot, editor, "return a + b")
        await pilot.press("escape")
        assert editor.area.ghost == ""
        await pilot.press("right", "tab")
        assert "return" not in editor.area.text
        assert len(assistant.requests) == 1


async def test_typing_something_else_ends_the_running_request(tmp_path: Path):
    gate = Gate()
    async with editing(file_of(tmp_path), [Text("pass  # x\n"), gate, *say("x")], say("other")) as (
        pilot,
        editor,
        _,
    ):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await wait_until(pilot, gate.reached.is_set)
        await pilot.press("z")
        await ghost(pilot, editor, "other")


async def test_a_selection_is_rewritten_shown_as_a_diff_accepted_and_undone(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\nb = 2\nc = 3\n")
    async with editing(path, say("b = 22\n")) as (pilot, editor, assistant):
        editor.area.move_cursor((1, 0))
        await pilot.press("shift+end", "ctrl+r")
        await sees(pilot, "Rewrite lines 2 to 2")
        await pilot.press(*"double", "enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
        await sees(pilot, "+ b = 22")
        assert editor.area.text == "a = 1\nb = 2\nc = 3\n"
        await pilot.press("enter")
        await wait_until(pilot, lambda: editor.area.text == "a = 1\nb = 22\nc = 3\n")
        assert "double" in assistant.requests[0].messages[0].content
        assert assistant.requests[0].prediction.startswith("b = 2\n")
        await pilot.press("alt+z")
        assert editor.area.text == "a = 1\nb = 2\nc = 3\n"


async def test_of_a_rewriting_only_the_selected_lines_are_taken_and_what_would_tear_the_text_is_refused(tmp_path: Path):
    code = "def f(a):\n    for b in a:\n        print(b)\n    return a\n"
    path = file_of(tmp_path, code)
    async with editing(path, say(code.replace("f(a)", "g(a)")), say("def f(a):\n    return a")) as (pilot, editor, _):
        await pilot.press("shift+down", "shift+down", "ctrl+r", *"name it g", "enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
        await pilot.press("enter")
        await wait_until(pilot, lambda: editor.area.text == code.replace("f(a)", "g(a)"))
        await pilot.press("alt+z")
        editor.area.move_cursor((0, 0))
        await pilot.press("shift+down", "shift+down", "ctrl+r", *"shorter", "enter")
        await sees(pilot, "the text stays as it is")
        assert editor.area.text == code


async def test_a_refused_rewriting_and_a_stopped_one_change_nothing(tmp_path: Path):
    gate = Gate()
    path = file_of(tmp_path, "a = 1\n")
    async with editing(path, say("a = 2\n"), [Text("a"), gate]) as (pilot, editor, _):
        await pilot.press("ctrl+r", *"double", "enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is editor)
        assert not editor.area.read_only
        await pilot.press("ctrl+r", "enter")
        await wait_until(pilot, gate.reached.is_set)
        assert editor.area.read_only
        await pilot.press("escape")
        assert not editor.area.read_only
        assert editor.area.text == "a = 1\n"


async def test_only_what_was_accepted_and_saved_is_learned(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\nb = 2\n")
    async with editing(path, say("a = 11\nb = 2\n"), say("a = 111\nb = 2\n"), say("3")) as (pilot, editor, assistant):

        async def decided(key: str, kept: str) -> None:
            await pilot.press("ctrl+r", *"more", "enter")
            await wait_until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
            await pilot.press(key)
            await wait_until(pilot, lambda: pilot.app.screen is editor and editor.area.text == kept)

        async def save() -> None:
            await pilot.press("ctrl+s")
            await wait_until(pilot, lambda: not editor.changed and not pilot.app.session.is_working)

        await decided("escape", "a = 1\nb = 2\n")
        await save()
        await decided("enter", "a = 111\nb = 2\n")
        assert not [request for request in assistant.requests if request.accepted]
        await save()
        await wait_until(pilot, lambda: [r.accepted for r in assistant.requests if r.accepted] == ["a = 111\nb = 2\n"])


async def test_a_suggestion_that_was_taken_and_discarded_with_the_file_is_not_learned(tmp_path: Path):
    async with editing(file_of(tmp_path), say("return a + b"), say("x")) as (pilot, editor, assistant):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b")
        await pilot.press("tab", "enter", "ctrl+@")
        await ghost(pilot, editor, "x")
        await pilot.press("alt+q")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, UnsavedScreen))
        await pilot.click("#discard")
    assert len(assistant.requests) == 2
    assert not [request for request in assistant.requests if request.accepted]


async def test_from_a_file_that_the_settings_name_nothing_is_learned(tmp_path: Path, spectra_home: Path):
    config_dir().mkdir(parents=True, exist_ok=True)
    (config_dir() / "settings.toml").write_text('[completion]\nnot_from = ["*.py"]\n')
    async with editing(file_of(tmp_path), say("return a + b")) as (pilot, editor, assistant):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b")
        await pilot.press("tab", "ctrl+s", "ctrl+r", *"more", "enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
    assert {request.kind for request in assistant.requests} == {"complete", "edit"}
    assert not any(request.learn for request in assistant.requests)


async def test_saving_writes_the_file_and_closing_asks_about_what_is_not_saved(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\n")
    async with editing(path) as (pilot, editor, _):
        await pilot.press("x")
        await sees(pilot, "add.py •")
        await pilot.press("alt+q")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, UnsavedScreen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: pilot.app.screen is editor)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: path.read_text() == "xa = 1\n")
        assert not editor.changed
        await pilot.press("y", "ctrl+q")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, UnsavedScreen))
        await pilot.press("right")
        assert pilot.app.focused is pilot.app.screen.query_one("#discard")
        await pilot.press("left")
        await pilot.press("enter")
        await wait_until(pilot, lambda: has_ended(pilot))
    assert path.read_text() == "xya = 1\n"


async def test_what_another_program_wrote_is_read_or_asked_about(tmp_path: Path):
    path = file_of(tmp_path, "a = 1\n")
    async with editing(path) as (pilot, editor, _):
        path.write_text("theirs\n")
        await wait_until(pilot, lambda: editor.area.text == "theirs\n")
        await pilot.press("x")
        path.write_text("theirs again\n")
        await sees(pilot, "Another program changed this file")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        assert [str(button.label) for button in pilot.app.screen.query(Button)] == ["Save mine", "Keep the file's"]
        assert path.read_text() == "theirs again\n"
        await pilot.click("#yes")
        await wait_until(pilot, lambda: path.read_text() == "xtheirs\n")


async def test_a_new_line_is_indented_as_the_code_wants(tmp_path: Path):
    async with editing(file_of(tmp_path, "class A:\n\tx = 1\n")) as (pilot, editor, _):
        editor.area.move_cursor((0, 8))
        await pilot.press("enter", "y", "enter", "tab")
        assert editor.area.text == "class A:\n\ty\n\t\t\n\tx = 1\n"


async def test_control_characters_of_a_file_and_of_a_model_are_shown_and_kept(tmp_path: Path):
    path = file_of(tmp_path, "a\x1b[31m\x0cb\n\n")
    async with editing(path, say("c\x1b]52;x\x07")) as (pilot, editor, _):
        await sees(pilot, "a␛[31m␌b")
        editor.area.move_cursor((1, 0))
        await pilot.press("ctrl+@")
        await sees(pilot, "c␛]52;x␇")
        assert "\x1b" not in screen_text(pilot)
        await pilot.press("tab", "ctrl+s")
        await wait_until(pilot, lambda: path.read_text() == "a\x1b[31m\x0cb\nc\x1b]52;x\x07\n")


async def test_a_model_whose_process_ends_is_said_and_the_text_stays(tmp_path: Path):
    async with editing(file_of(tmp_path), [WorkerError("it ended")], say("fine")) as (pilot, editor, _):
        await pilot.press("x", "ctrl+@")
        await sees(pilot, "it ended")
        await wait_until(pilot, lambda: state(pilot).model.phase is Phase.DOWN)  # on the screen a frame later
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "fine")
        assert editor.area.text.startswith("xdef")


async def test_a_click_below_a_suggestion_finds_the_line_that_is_seen_there(tmp_path: Path):
    async with editing(file_of(tmp_path), say("return a + b\n    # done")) as (pilot, editor, _):
        editor.area.move_cursor((1, 4))
        await pilot.press("ctrl+@")
        await ghost(pilot, editor, "return a + b\n    # done")
        row = next(n for n, line in enumerate(screen_text(pilot).split("\n")) if "print(add" in line)
        await pilot.click(offset=(10, row))
        assert editor.area.cursor_location[0] == 3
        assert editor.area.ghost == ""


async def test_open_in_the_chat_edits_a_file_and_closing_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "/open add.py")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen))
        await pilot.press("alt+q")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        await send(pilot, "/open .")
        await sees(pilot, "cannot be read")


async def test_with_a_model_that_cannot_fill_in_nothing_is_asked_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tui.screens.editor.DEBOUNCE_S", 0.0)
    async with editing(file_of(tmp_path), say("x"), info=INFO) as (pilot, _, assistant):
        await pilot.press("ctrl+end", "x")
        await sees(pilot, "they need a coder model, such as")
        await sees(pilot, "no coder model")
        await pilot.press("ctrl+r")
        assert pilot.app.screen.query_one(InstructionBox).has_focus
        assert EditedFile(str(tmp_path / "add.py")).saved
        assert not assistant.requests


async def test_words_are_found_while_they_are_typed_and_the_search_goes_round(tmp_path: Path):
    path = file_of(tmp_path, "one two\nTwo one\n  two\n")
    async with editing(path) as (pilot, editor, _):
        await pilot.press("ctrl+f", *"two")
        assert editor.area.text == "one two\nTwo one\n  two\n"  # all of it went into the box
        await sees(pilot, "1 of 3")
        assert (editor.area.selected_text, editor.area.selection.start) == ("two", (0, 4))
        await pilot.press("enter")
        await sees(pilot, "2 of 3")
        assert editor.area.selected_text == "Two"
        await pilot.press("down", "ctrl+f")
        await wait_until(pilot, lambda: editor.area.selection.start == (0, 4))  # round
        await pilot.press("up")
        await wait_until(pilot, lambda: editor.area.selection.start == (2, 2))
        await pilot.press("escape")
        assert editor.area.has_focus
        assert editor.area.selected_text == "two"
        assert not editor.changed


async def test_capitals_count_where_some_are_typed_and_what_is_nowhere_is_said(tmp_path: Path):
    path = file_of(tmp_path, "one two\nTwo (one)\n")
    async with editing(path) as (pilot, editor, _):
        await pilot.press("ctrl+f", *"Two")
        await sees(pilot, "1 of 1")
        assert editor.area.selection.start == (1, 0)
        await pilot.press(*"x")
        await sees(pilot, "nothing found")
        await pilot.press(*["backspace"] * 4, *"(one)")
        await sees(pilot, "1 of 1")
        await pilot.press("ctrl+r")
        assert pilot.app.screen.query_one(InstructionBox).has_focus
        assert not pilot.app.screen.query_one(SearchBox).is_asking
