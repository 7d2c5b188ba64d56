"""Branches of a chat: earlier messages edited, moved between, answers tried again and continued."""

import threading

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.pilot import screen_text, wait_until
from fakes.scripted import Gate, ScriptedAssistant, say

from spectra_local.chats.store import ChatStore
from spectra_local.errors import WorkerError
from spectra_local.protocol import Message, Text
from tui.app import ChatApp
from tui.screens import saved_conversation
from tui.state import Outcome, Phase


async def test_an_earlier_message_is_edited_by_its_number():
    async with app_with(say("One."), say("Two."), say("Three.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first")
        await answered(pilot, "second")
        await send(pilot, "/edit 1")
        await wait_until(pilot, lambda: composer(pilot).text == "first")
        composer(pilot).load_text("better")
        await pilot.press("enter")
        await sees(pilot, "Three.")
        assert [turn.text for turn in state(pilot).chat.turns] == ["better", "Three."]
        await sees(pilot, "‹ 2/2 ›")
        await send(pilot, "/edit 7")
        await sees(pilot, "Your messages here are 1 to 1.")
        await send(pilot, "/edit x")
        await sees(pilot, "/edit takes the number")


async def test_keys_move_between_the_branches_of_a_message_and_keep_what_is_typed():
    async with app_with(say("One."), say("Two.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first")
        await pilot.press("alt+up")
        composer(pilot).load_text("second")
        await pilot.press("enter")
        await sees(pilot, "Two.")
        await ready(pilot)
        await pilot.press(*"typed", "alt+left")
        await sees(pilot, "One.")
        await sees(pilot, "‹ 1/2 ›")
        assert "Two." not in screen_text(pilot)
        assert composer(pilot).text == "typed"
        await pilot.press("alt+left")  # there is none before the first
        await pilot.press("alt+right")
        await sees(pilot, "Two.")
    async with app_with(say("Three.")).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "‹ 2/2 ›")


async def test_answers_tried_again_are_branches_too():
    async with app_with(say("One."), say("Two.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "ask")
        await send(pilot, "/retry")
        await sees(pilot, "Two.")
        await sees(pilot, "‹ 2/2 ›")
        await ready(pilot)
        await pilot.press("alt+left")
        await sees(pilot, "One.")
        assert [turn.text for turn in state(pilot).chat.turns] == ["ask", "One."]


async def test_a_chat_with_one_branch_says_so():
    async with app_with(say("One.")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await pilot.press("alt+right")
        await sees(pilot, "This chat has one branch.")


async def test_a_stopped_answer_goes_on_in_the_same_message():
    assistant = ScriptedAssistant([Text("Half a sen"), Gate()], say("tence."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "Tell me")
        await sees(pilot, "Half a sen")
        await pilot.press("escape")
        await sees(pilot, "/continue goes on")
        await send(pilot, "/continue")
        await sees(pilot, "Half a sentence.")
        await wait_until(pilot, lambda: state(pilot).chat.turns[-1].outcome is Outcome.COMPLETE)
        assert assistant.requests[-1].messages == (Message("user", "Tell me"), Message("assistant", "Half a sen"))
        assert "Stopped" not in screen_text(pilot)
        await send(pilot, "/continue")
        await sees(pilot, "There is no answer that was stopped")


async def test_an_answer_that_ended_before_its_first_word_is_asked_for_again():
    assistant = ScriptedAssistant([Gate()], say("Here it is."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot, "Tell me")
        await wait_until(pilot, lambda: state(pilot).model.busy)  # before that, escape takes the question back
        await pilot.press("escape")
        await sees(pilot, "Stopped. ctrl+r tries again.")
        await pilot.press("ctrl+r")
        await sees(pilot, "Here it is.")


async def test_an_answer_that_waits_to_go_on_stays_when_that_is_taken_back():
    gate = Gate()
    assistants = [ScriptedAssistant([Text("Half"), WorkerError("killed")]), ScriptedAssistant(load=[gate])]
    async with ChatApp(lambda: assistants.pop(0)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Cut off.")
        await send(pilot, "/continue")
        await wait_until(pilot, lambda: state(pilot).model.phase is Phase.LOADING)
        await pilot.press("escape")
        await wait_until(pilot, lambda: state(pilot).chat.open_answer() is None)
        gate.open()
        assert [turn.text for turn in state(pilot).chat.turns] == ["Hi", "Half"]
        assert composer(pilot).text == ""


@pytest.mark.parametrize("key", ["alt+left", "alt+up"])
async def test_nothing_moves_while_an_answer_comes(key: str):
    async with app_with([Text("Half"), Gate()]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Half")
        await pilot.press(key)
        await sees(pilot, "esc stops this answer first.")


async def test_what_is_learned_of_the_first_message_belongs_to_its_chat():
    assistant = ScriptedAssistant(say("One."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        assert assistant.requests[0].conversation == f"chat-{chat(pilot).state.chat.id}"


async def test_enter_after_the_model_died_goes_on_with_its_answer():
    assistants = [ScriptedAssistant([Text("Half"), WorkerError("killed")]), ScriptedAssistant(say(" and half."))]
    async with ChatApp(lambda: assistants.pop(0)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        second = assistants[0]
        await send(pilot)
        await sees(pilot, "Enter loads the model again and goes on.")
        await pilot.press("enter")
        await sees(pilot, "Half and half.")
        await ready(pilot)
        assert [turn.text for turn in state(pilot).chat.turns] == ["Hi", "Half and half."]
        assert len(second.requests) == 1


async def test_enter_after_a_model_died_before_a_word_asks_again():
    assistants = [ScriptedAssistant([WorkerError("killed")]), ScriptedAssistant(say("Whole."))]
    async with ChatApp(lambda: assistants.pop(0)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await send(pilot)
        await sees(pilot, "Enter loads the model again")
        await pilot.press("enter")
        await sees(pilot, "Whole.")


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Saved chats are being opened until it is set."""
    opened, latest = threading.Event(), ChatStore.latest

    def slow(store: ChatStore) -> int | None:
        opened.wait(60)
        return latest(store)

    monkeypatch.setattr(ChatStore, "latest", slow)
    return opened


async def test_a_question_asked_while_the_chats_are_opened_waits_for_its_number(opening: threading.Event):
    assistant = ScriptedAssistant(say("One."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await wait_until(pilot, lambda: chat(pilot).archive.is_busy)
        await send(pilot)
        await wait_until(pilot, lambda: state(pilot).chat.open_answer())
        await pilot.pause()
        assert not assistant.requests
        opening.set()
        await sees(pilot, "One.")
        assert [request.conversation for request in assistant.requests] == [f"chat-{state(pilot).chat.id}"]


async def test_nothing_is_learned_of_a_question_that_cannot_wait_for_the_number(
    opening: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(saved_conversation, "CONVERTING_S", 0.05)
    assistant = ScriptedAssistant(say("One."), say("Two."))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await wait_until(pilot, lambda: chat(pilot).archive.is_busy)
        await answered(pilot)
        assert [(r.conversation, r.learn) for r in assistant.requests] == [(None, False)]
        opening.set()
        await wait_until(pilot, lambda: state(pilot).chat.id is not None, "the chat is saved after all")
        await answered(pilot)
        assert assistant.requests[1].learn
