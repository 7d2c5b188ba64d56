"""Reading an answer: links, selections, scrolling, pastes, other widths."""

import pytest
from fakes.chatting import answered, app_with, chat, ready, sees, send, state
from fakes.pilot import screen_text, wait_until
from fakes.scripted import Gate, ScriptedAssistant, say

from spectra_local.protocol import Text
from tui.app import ChatApp
from tui.screens.link import LinkScreen
from tui.state import Outcome
from tui.widgets.markdown.body import MarkdownBody
from tui.widgets.question import Question
from tui.widgets.transcript import Transcript

LONG = "".join(f"{n}. number {n}\n" for n in range(1, 61))


async def test_a_link_is_shown_before_anything_opens(monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    monkeypatch.setattr(ChatApp, "open_url", lambda self, url, **_: opened.append(url))
    async with app_with(say("See [the page](https://example.org/secret).")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "See the page.")
        await pilot.click(MarkdownBody, offset=(6, 0))
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, LinkScreen))
        await sees(pilot, "https://example.org/secret")
        assert opened == []
        await pilot.click("#open")
        await wait_until(pilot, lambda: opened == ["https://example.org/secret"])


async def test_selecting_over_wrapped_lines_copies_the_text_as_it_was():
    text = "some words that are long enough to be wrapped over several lines of a narrow screen"
    async with app_with(say(text)).run_test(size=(40, 20)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "narrow screen")
        body = chat(pilot).query_one(MarkdownBody)
        await pilot.mouse_down(body, offset=(5, 0))
        await pilot.hover(body, offset=(9, 2))
        await pilot.mouse_up(body, offset=(9, 2))
        selected = chat(pilot).get_selected_text()
        assert selected
        assert selected in text
        assert len(selected) > 40
        await pilot.press("ctrl+c")
        assert pilot.app.clipboard == selected


async def test_clicks_and_scrolling_while_text_streams_do_no_harm():
    async with app_with(say(LONG * 3, wait=0.002)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "number 20")
        while state(pilot).chat.open_answer() is not None:
            await pilot.click(Transcript, offset=(20, 5))
            await pilot.press("pageup", "ctrl+end")
        assert state(pilot).chat.turns[-1].outcome is Outcome.COMPLETE


async def test_a_long_paste_is_folded_on_the_screen_and_whole_for_the_model():
    paste = "\n".join(f"row {n}" for n in range(5000))
    assistant = ScriptedAssistant(say("Read."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 40)) as pilot:
        await ready(pilot)
        await answered(pilot, paste)
        await sees(pilot, "4,988 more lines")
        assert assistant.requests[0].messages[0].content == paste
        assert chat(pilot).query_one(Question).outer_size.height < 20


async def test_resizing_while_an_answer_comes_wraps_it_anew():
    gate = Gate()
    async with app_with([Text("word " * 40), gate, *say("end.")]).run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "word word")
        await pilot.resize_terminal(40, 12)
        gate.open()
        await sees(pilot, "end.")
        assert all(len(line) <= 40 for line in screen_text(pilot).splitlines())
