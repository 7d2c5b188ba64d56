from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from spectra_local.chats.window import ContextWindow
from spectra_local.protocol import Message


def size(messages: Sequence[Message]) -> int:
    return sum(len(m.content) for m in messages)


def conversation(n: int, length: int = 10, system: bool = True) -> list[Message]:
    head = [Message("system", "s" * length)] if system else []
    turns = [Message("user" if i % 2 == 0 else "assistant", f"{i}".ljust(length)) for i in range(n)]
    return head + turns


def test_what_fits_is_left_whole() -> None:
    messages = conversation(5)
    assert ContextWindow().fit(messages, size, 60) == (messages, 0)


def test_the_oldest_turns_go_and_the_system_message_stays() -> None:
    messages = conversation(9)
    kept, dropped = ContextWindow().fit(messages, size, 80)
    assert kept[0] == messages[0]
    assert kept[1:] == messages[1 + dropped :]
    assert kept[1].role == "user"
    assert size(kept) <= 80


def test_the_cut_stays_where_it_was_while_the_rest_fits() -> None:
    window = ContextWindow()
    _, first = window.fit(conversation(9), size, 80)
    _, second = window.fit(conversation(11), size, 80)
    assert first == second > 0


def test_a_new_conversation_starts_whole() -> None:
    window = ContextWindow()
    window.fit(conversation(9), size, 80)
    assert window.fit(conversation(3), size, 80)[1] == 0


@given(st.integers(1, 30), st.integers(0, 400), st.booleans())
def test_the_last_message_always_stays(n: int, budget: int, system: bool) -> None:
    messages = conversation(2 * n - 1, system=system)
    kept, dropped = ContextWindow().fit(messages, size, budget)
    assert kept[-1] == messages[-1]
    assert len(kept) + dropped == len(messages)
    assert not system or kept[0] == messages[0]


def test_of_a_begun_answer_the_question_stays_however_long() -> None:
    for n in (2, 6):
        messages = conversation(n)
        kept, _ = ContextWindow().fit(messages, size, 5)
        assert kept == [messages[0], *messages[-2:]]
