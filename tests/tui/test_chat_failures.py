"""What fails in a chat is a panel in it, and the conversation goes on."""

import pytest
from fakes.chatting import answered, app_with, chat, composer, ready, sees, send, state
from fakes.scripted import INFO, ScriptedAssistant, say

from spectra_local.errors import ContextFullError, ModelFileError, WorkerError
from spectra_local.protocol import Done, Text, Timings
from tui.app import ChatApp
from tui.widgets.failure_panel import FailurePanel


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
