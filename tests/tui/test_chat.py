"""The chat as a user has it, on a scripted model and without a terminal."""

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.pilot import has_ended, screen_text, wait_until
from fakes.scripted import INFO, Gate, ScriptedAssistant, done, say

from spectra_local.errors import ContextFullError, ModelFileError, WorkerError
from spectra_local.protocol import Done, LoadProgress, Notice, PromptProgress, Text, Timings
from tui import clipboard
from tui.app import ChatApp
from tui.screens.chat import ChatScreen
from tui.screens.help import HelpScreen
from tui.screens.link import LinkScreen
from tui.state import Outcome, Phase
from tui.widgets.composer import Composer
from tui.widgets.failure_panel import FailurePanel
from tui.widgets.markdown.body import MarkdownBody
from tui.widgets.question import Question
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript

SIZES = [(40, 10), (80, 24), (200, 60)]
LONG = "".join(f"{n}. number {n}\n" for n in range(1, 61))


@pytest.mark.parametrize("size", SIZES)
async def test_a_question_is_answered_at_any_size(size: tuple[int, int]):
    async with app_with(say("The answer is **42**.")).run_test(size=size) as pilot:
        await ready(pilot)
        await answered(pilot, "What is it?")
        await sees(pilot, "What is it?")
        await sees(pilot, "The answer is 42.")
        await sees(pilot, "Ask anything"[1:])


@pytest.mark.parametrize("size", SIZES)
async def test_an_answer_that_comes_at_once_is_shown_to_its_end(size: tuple[int, int]):
    async with app_with(say(f"{LONG}\n- a\n\nThe end.\n\n-", size=10_000)).run_test(size=size) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "The end.")
        await wait_until(pilot, lambda: ChatPage(pilot).transcript.answer_is_as_tall_as_its_text)


async def test_typing_and_sending_work_before_the_model_is_ready():
    gate = Gate()
    app = app_with(say("Here."), load=[LoadProgress(0.4), gate, LoadProgress(1.0)])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"Are you there", "enter")
        await sees(pilot, "Waiting for the model to load")
        await sees(pilot, "loading 40%")
        gate.open()
        await sees(pilot, "Here.")


async def test_escape_takes_a_waiting_question_back():
    gate = Gate()
    async with app_with(load=[gate]).run_test(size=(80, 24)) as pilot:
        await send(pilot, "Too early")
        await sees(pilot, "Waiting for the model")
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(pilot).text == "Too early")
        assert state(pilot).chat.turns == []
        gate.open()


async def test_a_message_taken_back_is_not_glued_to_another_that_is_being_written():
    failures = [WorkerError("it ended")]
    async with app_with(failures, [ContextFullError("too long")]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "First")
        await wait_until(pilot, lambda: chat(pilot).query(FailurePanel))
        await pilot.press(*"second", "escape")  # the first still waits for the model to come back
        await wait_until(pilot, lambda: not chat(pilot).query(Question))
        assert composer(pilot).message == "second"
        await sees(pilot, "up brings it back")
        await pilot.press("up")
        assert composer(pilot).message == "First"
        await pilot.press("down")
        assert composer(pilot).message == "second"


async def test_escape_stops_and_keeps_what_had_come():
    gate = Gate()
    async with app_with([Text("Half an answer"), gate, *say(" more")]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Half an answer")
        await pilot.press("escape")
        await sees(pilot, "Stopped.")
        assert state(pilot).chat.turns[-1].text == "Half an answer"
        assert state(pilot).model.phase is Phase.IDLE


async def test_escape_stops_prefill_too():
    async with app_with([PromptProgress(512, 3000), Gate()]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "reading 512 of 3,000")
        await pilot.press("escape")
        await sees(pilot, "Stopped.")


async def test_a_message_sent_during_an_answer_stays_in_the_box():
    async with app_with([Text("One"), Gate()]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "One")
        await send(pilot, "And another")
        await sees(pilot, "One answer at a time")
        assert composer(pilot).text == "And another"


async def test_another_answer_is_drawn_and_says_so():
    async with app_with(say("First."), say("Second.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await pilot.press("ctrl+r")
        await sees(pilot, "Another try, drawn at temperature 0.7.")
        assert "First." not in screen_text(pilot)
        assert [turn.text for turn in state(pilot).chat.turns] == ["Hi", "Second."]


async def test_a_new_chat_is_empty_and_old_text_never_comes_into_it():
    gate = Gate()
    async with app_with([Text("Old"), gate, *say(" text")], say("New.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Old")
        await pilot.press("ctrl+n")
        await sees(pilot, "s p e c t r a")
        await answered(pilot, "Again")
        await sees(pilot, "New.")
        assert "Old" not in screen_text(pilot)


async def test_ctrl_j_makes_a_line_and_enter_sends_all_of_them():
    async with app_with(say("Yes.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(*"one", "ctrl+j", *"two", "shift+enter", *"three", "enter")
        await sees(pilot, "Yes.")
        assert state(pilot).chat.turns[0].text == "one\ntwo\nthree"


async def test_the_box_grows_with_the_text_and_stops_at_a_third():
    async with app_with().run_test(size=(80, 24)) as pilot:
        assert composer(pilot).outer_size.height == 3
        composer(pilot).insert("a\nb\nc")
        await wait_until(pilot, lambda: composer(pilot).outer_size.height == 5)
        composer(pilot).insert("\n" * 50)
        await wait_until(pilot, lambda: composer(pilot).outer_size.height == 8)
        assert chat(pilot).query_one(StatusLine).region.bottom == 24


@pytest.mark.parametrize("size", SIZES)
async def test_everything_stands_in_one_column(size: tuple[int, int]):
    async with app_with(say("Yes.")).run_test(size=size) as pilot:
        await ready(pilot)
        await answered(pilot)
        box, asked = composer(pilot).region, chat(pilot).query_one(Question).region
        assert abs(box.x - asked.x) <= 1
        assert box.right <= size[0]
        assert abs(box.x - (size[0] - box.right)) <= 1


async def test_a_notice_stands_above_the_answer():
    script = [Notice("3 earlier messages were left out"), *say("Short memory.")]
    async with app_with(script).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "Short memory.")
        text = screen_text(pilot)
        assert text.index("3 earlier messages") < text.index("Short memory.")


async def test_the_view_stays_where_the_user_scrolled_to_and_follows_again_at_the_end():
    gate = Gate()
    async with app_with([Text(LONG), gate, *say(LONG)]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "number 60")
        view = chat(pilot).query_one(Transcript)
        await pilot.press("pageup")
        await wait_until(pilot, lambda: view.scroll_y < view.max_scroll_y)
        before, tall = view.scroll_y, view.max_scroll_y
        gate.open()
        await wait_until(pilot, lambda: view.max_scroll_y > tall)
        await wait_until(pilot, lambda: state(pilot).chat.open_answer() is None)
        assert view.scroll_y == before
        await pilot.press("ctrl+end")
        await wait_until(pilot, lambda: view.scroll_y == view.max_scroll_y)


async def test_the_context_and_speed_are_in_the_status_line():
    script = [Text("Hi"), done(n_past=321, predicted_n=100, predicted_ms=2000.0)]
    async with app_with(script).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "321 of 8,192")
        await sees(pilot, "50 tok/s")
        await sees(pilot, "scripted")


# Errors


async def test_a_model_that_cannot_be_loaded_is_a_panel_and_can_be_tried_again():
    attempts: list[int] = []

    def open_assistant() -> ScriptedAssistant:
        attempts.append(1)
        if len(attempts) == 1:
            raise ModelFileError("model.gguf is not a GGUF file; fetch it again")
        return ScriptedAssistant(say("Better."))

    async with ChatApp(open_assistant).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "model.gguf is not a GGUF file")
        await pilot.press("enter")
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "Better.")
        assert not chat(pilot).query(FailurePanel)


@pytest.mark.parametrize("first", [True, False], ids=["gone on, then asked", "asked at once"])
async def test_a_dead_worker_is_restarted_with_the_conversation_kept(first: bool):
    cut = [Text("Par"), WorkerError("the model's process was killed (signal 9)")]
    rest = [say("tial.")] if first else []
    app = app_with(say("First."), cut, *rest, say("Third."))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await send(pilot, "Second?")
        await sees(pilot, "signal 9")
        await sees(pilot, "The conversation is kept.")
        if first:
            await pilot.press("enter")
            await sees(pilot, "Partial.")
            await ready(pilot)
        await send(pilot, "Third?")
        await sees(pilot, "Third.")
        await ready(pilot)
        assert [turn.text for turn in state(pilot).chat.turns] == [
            "Hi",
            "First.",
            "Second?",
            *(["Partial."] if first else ["Par"]),
            "Third?",
            "Third.",
        ]


async def test_a_question_without_an_answer_is_asked_again_after_a_restart():
    async with app_with([WorkerError("killed")], say("At last.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "killed")
        await pilot.press("enter")
        await sees(pilot, "At last.")


async def test_a_full_context_ends_an_answer_and_not_the_chat():
    full = Done("context", Timings(), n_past=INFO.n_ctx, n_ctx=INFO.n_ctx)
    async with app_with([Text("Half"), full], say("Onwards.")).run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "You can ask on: the oldest messages are then left out.")
        await answered(pilot, "Go on")
        await sees(pilot, "Onwards.")


async def test_a_message_that_does_not_fit_comes_back_into_the_box():
    script = [ContextFullError("the message has 9,000 tokens, 8,192 fit")]
    async with app_with(script).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "A very long text")
        await sees(pilot, "9,000 tokens, 8,192 fit")
        assert composer(pilot).text == "A very long text"


async def test_a_defect_is_a_panel_too():
    async with app_with([ZeroDivisionError("oops")], say("Fine.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "ZeroDivisionError: oops")
        await answered(pilot, "Again")
        await sees(pilot, "Fine.")


# Keys


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


# Reading


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
