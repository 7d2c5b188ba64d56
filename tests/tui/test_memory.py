"""A conversation that goes on costs no more memory than what is on the screen, and what was said."""

import gc
from collections import Counter

import pytest
from fakes.chatting import answered, chat, ready, sees
from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say

from tui.app import ChatApp
from tui.widgets import transcript
from tui.widgets.transcript import Transcript

ANSWER = "A **word** and `code`.\n\n- a\n- b\n\n```python\ndef f():\n    return 1\n```\n\n| a | b |\n|---|---|\n"


def objects() -> Counter[str]:
    """How many there are of each kind, without what is said: turns, and what the scripted model was asked."""
    gc.collect()
    return Counter(kind.__name__ for kind in map(type, gc.get_objects()))


async def test_answers_beyond_the_first_hold_no_more_objects(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transcript, "WINDOW", 4)
    monkeypatch.setattr(transcript, "MOST_ITEMS", 6)
    assistant = ScriptedAssistant(say(ANSWER, size=20))
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        view = chat(pilot).query_one(Transcript)
        samples = []
        for number in range(24):
            await answered(pilot, f"Question {number}")
            assistant.requests.clear()
            await wait_until(pilot, lambda: len(view.items) <= 6)
            if len(view.items) == 4:
                await wait_until(pilot, lambda: view.scroll_y == view.max_scroll_y)
                samples.append(objects())
        warm, last = samples[3], samples[-1]
        n_answers = 2 * (len(samples) - 4)
        per_answer = sum((last - warm).values()) / n_answers
        assert per_answer < 60, (last - warm).most_common(10)  # an answer on the screen is some 2,000
        assert (last - warm)["Answer"] == (last - warm)["Question"] == 0


async def test_what_was_taken_away_comes_back_by_scrolling_and_the_next_answer_is_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(transcript, "WINDOW", 4)
    monkeypatch.setattr(transcript, "MOST_ITEMS", 6)
    assistant = ScriptedAssistant(say("Words.\n\n" * 8))
    async with ChatApp(lambda: assistant).run_test(size=(60, 24)) as pilot:
        await ready(pilot)
        for number in range(6):
            await answered(pilot, f"Question {number}")
        view = chat(pilot).query_one(Transcript)
        await wait_until(pilot, lambda: len(view.items) == 4)
        await sees(pilot, "Question 5")
        for _ in range(20):
            await pilot.press("ctrl+home")
            if "Question 0" in screen_text(pilot):
                break
        await sees(pilot, "Question 0")
        assert len(view.items) == 12
        await answered(pilot, "Question 6")
        await sees(pilot, "Question 6")
