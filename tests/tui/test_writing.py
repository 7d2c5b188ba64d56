"""Writing in the box: completions, earlier prompts, long pastes, the user's own editor."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.pilot import has_ended, screen_text, wait_until
from fakes.scripted import say
from textual import events
from textual.pilot import Pilot

from tui.app import ChatApp
from tui.archive import Archive
from tui.candidates import Candidate
from tui.external_editor import edited
from tui.screens.chats import ChatsScreen
from tui.screens.help import HelpScreen
from tui.widgets.completions import Completions
from tui.widgets.status_line import StatusLine

LONG = "\n".join(f"line {n}" for n in range(10_000))


# Completions


def chosen(pilot: Pilot[None]) -> Candidate | None:
    lists = chat(pilot).query(Completions)
    return lists.first().chosen if lists else None


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (200, 60)])
async def test_a_slash_lists_commands_and_tab_takes_one(size: tuple[int, int]):
    async with app_with().run_test(size=size) as pilot:
        await pilot.press(*"/ne")
        await sees(pilot, "/new")
        await pilot.press("tab")
        await wait_until(pilot, lambda: composer(pilot).text == "/new")
        assert not composer(pilot).is_completing


async def test_enter_takes_the_only_command_that_can_be_meant_and_runs_it():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press(*"/hel", "enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def test_down_chooses_another_command_and_enter_runs_that():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press("/", "up")  # round to the last one
        await sees(pilot, "/quit")
        await pilot.press("enter")
        await wait_until(pilot, lambda: has_ended(pilot))


async def test_escape_closes_the_list_and_keeps_the_text():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press(*"/mo")
        await sees(pilot, "/model")
        await pilot.press("escape")
        await wait_until(pilot, lambda: "choose, switch" not in screen_text(pilot))
        assert composer(pilot).text == "/mo"


async def test_arguments_are_completed_from_the_registry():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "stripes of zebras")
        for typed, seen in (
            ("/model smol", "smollm2"),
            ("/set min", "min_p"),
            ("/system o", "off"),
            ("/export j", "json"),
            ("/chats str", "stripes of zebras"),
        ):
            composer(pilot).load_text("")
            composer(pilot).insert(typed)
            await wait_until(
                pilot,
                lambda seen=seen: (c := chosen(pilot)) is not None and seen in c.text,
                typed,
            )


async def test_a_file_is_completed_after_an_at_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes about milk.txt").write_text("milk")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "[b]deep.txt").write_text("deep")
    (tmp_path / "folder" / "hostile\x1b[2J.txt").write_text("")
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*"see @not")
        await wait_until(pilot, lambda: composer(pilot).is_completing)
        await pilot.press("tab")
        await wait_until(pilot, lambda: composer(pilot).text == 'see @"notes about milk.txt" ')
        await pilot.press(*"@fo")
        await wait_until(pilot, lambda: composer(pilot).is_completing)
        await pilot.press("tab")
        await wait_until(pilot, lambda: composer(pilot).text.endswith("@folder/"))
        await sees(pilot, "folder/[b]deep.txt")
        assert "hostile" not in screen_text(pilot)


async def test_tab_without_completions_leaves_the_keyboard_where_it_is():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press(*"hello", "tab", *" you")
        await wait_until(pilot, lambda: composer(pilot).text == "hello you")
        assert composer(pilot).has_focus


# Earlier prompts


async def test_up_brings_prompts_of_earlier_sessions_and_down_what_was_typed():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first of yesterday")
        await answered(pilot, "two\nlines")
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "first of yesterday")
        await pilot.press(*"half", "up")
        await wait_until(pilot, lambda: composer(pilot).text == "two\nlines")
        await pilot.press("up")  # within the text
        assert composer(pilot).text == "two\nlines"
        await pilot.press("up")
        await wait_until(pilot, lambda: composer(pilot).text == "first of yesterday")
        await pilot.press("down", "down", "down")
        await wait_until(pilot, lambda: composer(pilot).text == "half")


async def test_prompts_of_an_incognito_chat_are_not_recalled():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "open words")
        await send(pilot, "/incognito")
        await sees(pilot, "nothing is saved")
        await answered(pilot, "whispered")
        seen = []
        for _ in range(4):
            await pilot.press("up")
            await pilot.pause()
            seen.append(composer(pilot).text)
        assert "whispered" not in seen
        assert "open words" in seen


# Long pastes, drafts


async def test_ten_thousand_pasted_lines_are_folded_and_sent_intact():
    async with app_with(say("Read.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*"sum up: ")
        pilot.app.post_message(events.Paste(LONG.replace("\n", "\r")))
        await sees(pilot, "⟦paste 1: 10,000 lines⟧")
        await pilot.press("enter")
        await sees(pilot, "more lines")
        await wait_until(pilot, lambda: state(pilot).chat.turns[:1])
        assert state(pilot).chat.turns[0].text == f"sum up: {LONG}"


async def test_a_folded_paste_is_deleted_as_a_whole_and_kept_in_a_draft():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        pilot.app.post_message(events.Paste(LONG))
        await sees(pilot, "10,000 lines⟧")
        chat(pilot).save(draft=True)
        latest = Archive().latest()
        assert latest is not None
        assert latest[1] == f"a{LONG}"
        await pilot.press("backspace")
        await wait_until(pilot, lambda: composer(pilot).text == "a")


# The user's own editor


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "my editor"
    script.write_text('#!/bin/sh\nprintf " and more\\nlines\\n" >> "$2"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", f"'{script}' --wait")
    return script


def test_a_text_comes_back_from_the_editor_and_leaves_no_file(editor: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = set(tmp_path.iterdir())
    assert edited("words") == "words and more\nlines"
    assert set(tmp_path.iterdir()) == before


async def test_the_editor_gets_the_terminal_and_its_text_comes_into_the_box(editor: Path, monkeypatch):
    suspended = []

    @contextlib.contextmanager
    def suspend(self: ChatApp) -> Iterator[None]:
        suspended.append(self)
        yield

    monkeypatch.setattr(ChatApp, "suspend", suspend)
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press(*"words", "ctrl+g")
        await wait_until(pilot, lambda: composer(pilot).text == "words and more\nlines")
        assert suspended
        editor.unlink()
        await pilot.press("ctrl+g")
        await sees(pilot, "does not start (No such file or directory)")
        assert composer(pilot).text == "words and more\nlines"


async def test_enter_runs_a_command_whose_argument_can_be_left_out():
    async with app_with().run_test(size=(80, 24)) as pilot:
        await pilot.press(*"/chat", "enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatsScreen))


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_the_list_leaves_room_for_the_box(size: tuple[int, int]):
    async with app_with().run_test(size=size) as pilot:
        await pilot.press("/")
        await wait_until(
            pilot, lambda: chat(pilot).query(Completions) and chat(pilot).query_one(Completions).size.height
        )
        await sees(pilot, "╰")
        assert chat(pilot).query_one(StatusLine).region.bottom == size[1]


async def test_a_command_typed_faster_than_it_is_looked_up_is_completed_too():
    async with app_with().run_test(size=(80, 24)) as pilot:
        for key, character in (("slash", "/"), ("h", "h"), ("e", "e"), ("l", "l"), ("enter", "\r")):
            pilot.app.post_message(events.Key(key, character))
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def test_each_chat_keeps_its_own_draft():
    async with app_with(say("One."), say("Two.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first")
        first = state(pilot).chat.id
        assert first is not None
        await pilot.press(*"draft one", "ctrl+n")
        await wait_until(pilot, lambda: not state(pilot).chat.turns and not composer(pilot).text)
        await answered(pilot, "second")
        second = state(pilot).chat.id
        assert second is not None
        await pilot.press(*"draft two")
        await wait_until(pilot, lambda: ChatPage(pilot).kept_draft == "draft two")
        await chat(pilot).open_chat(first)
        assert composer(pilot).text == "draft one"
        await chat(pilot).open_chat(second)
        assert composer(pilot).text == "draft two"
