"""Titles by the model: behind the user's back, never in the user's way."""

import pytest
from fakes.chatting import answered, app_with, chat, ready, sees, send, state
from fakes.pilot import wait_until
from fakes.scripted import Gate, ScriptedAssistant, done, say

from spectra_local.protocol import Text
from tui.app import ChatApp
from tui.archive import Archive
from tui.state import Chat, Outcome, Turn
from tui.titling import title_in, title_request


def stored_title() -> str:
    archive = Archive()
    try:
        return archive.chats(1)[0].title
    finally:
        archive.close()


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Reversing a list", "Reversing a list"),
        ('"reversing a list."\n\nI hope', "Reversing a list"),
        ("**Title: Reversing lists**", "Reversing lists"),
        ("The title of this conversation: Lists", "Lists"),
        ("Lists \x1b[31mred", "Lists ␛[31mred"),
        ("今天天气怎么样", "今天天气怎么样"),
        ("This conversation is about how one can reverse a list in Python", ""),
        ("  \n", ""),
        ("x" * 61, ""),
    ],
)
def test_a_title_is_found_in_an_answer(answer: str, title: str):
    assert title_in(answer) == title


@pytest.mark.parametrize(
    "chat",
    [
        Chat([], id=1),
        Chat([Turn("user", "a"), Turn("assistant", "b")]),
        Chat([Turn("user", "a"), Turn("assistant", "b")], id=1, incognito=True),
        Chat([Turn("user", "a"), Turn("assistant", "b")], id=1, titled=True),
        Chat([Turn("user", "a"), Turn("assistant", "b", Outcome.STOPPED)], id=1),
        Chat([Turn("user", "a" * 30_000), Turn("assistant", "b")], id=1),
        Chat([Turn("user", "a"), Turn("assistant", "b")] * 2, id=1),
    ],
    ids=["empty", "not saved", "incognito", "titled", "stopped", "long", "later"],
)
def test_no_title_is_asked_for(chat: Chat):
    assert title_request(chat) is None


async def test_the_first_answer_brings_a_title_and_a_later_one_none():
    async with app_with(say("Yes."), title=say("Zebra stripes")).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "why do zebras have stripes")
        await wait_until(pilot, lambda: state(pilot).chat.title == "Zebra stripes")
        assert stored_title() == "Zebra stripes"
        assert len(state(pilot).chat.turns) == 2


async def test_a_title_of_the_users_stays():
    gate = Gate()
    async with app_with(say("Yes."), title=[gate, *say("Zebra stripes")]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await send(pilot, "/save mine")
        await sees(pilot, 'Saved as "mine"')
        gate.open()
        await answered(pilot, "more")
        assert stored_title() == "mine"


async def test_a_question_does_not_wait_for_a_title():
    gate = Gate()
    assistant = ScriptedAssistant(say("One."), say("Two."), title=[Text("Zeb"), gate, Text("ra"), done()])
    async with ChatApp(lambda: assistant).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "first words")
        await wait_until(pilot, gate.reached.is_set)
        await answered(pilot, "second")
        await sees(pilot, "Two.")
        assert stored_title() == "first words"
        assert chat(pilot).state.chat.title == "first words"
