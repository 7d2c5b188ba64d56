"""The chat as a user has it, on a scripted model and without a terminal."""

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.pilot import screen_text, wait_until
from fakes.scripted import Gate, ScriptedAssistant, done, say

from spectra_local.errors import ContextFullError, WorkerError
from spectra_local.protocol import LONGEST_ANSWER, Done, LoadProgress, Notice, PromptProgress, Text, Timings
from tui.app import ChatApp
from tui.state import Phase
from tui.widgets.failure_panel import FailurePanel
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


async def test_an_answer_without_end_is_ended_and_can_be_continued():
    ended = Done("length", Timings(predicted_n=LONGEST_ANSWER), n_past=100, n_ctx=8192)
    assistant = ScriptedAssistant([Text("1, 2, 3"), ended], say(", 4."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "count")
        await sees(pilot, "Ended after 4,096 tokens. /continue goes on.")
        await send(pilot, "/continue")
        await sees(pilot, "1, 2, 3, 4.")
    assert {request.max_tokens for request in assistant.requests} == {LONGEST_ANSWER}
