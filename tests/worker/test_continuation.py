"""An answer that goes on after a crash: nothing told twice, nothing asked twice, counts of all parts."""

import pytest

from spectra_local.protocol import Done, FillIn, Message, Request, Text, Timings
from spectra_local.worker.continuation import Told

CHAT = Request(messages=(Message("system", "Be brief."), Message("user", "Hi")), max_tokens=10)


def after(request: Request, *pieces: tuple[str, int]) -> Told:
    told = Told(request)
    for text, n_tokens in pieces:
        told.add(Text(text, n_tokens))
    return told


def rest(request: Request, *pieces: tuple[str, int]) -> Request:
    left = after(request, *pieces).rest()
    assert isinstance(left, Request)
    return left


def test_before_anything_was_told_the_same_request_is_asked() -> None:
    assert Told(CHAT).rest() is CHAT


def test_a_chat_goes_on_as_the_assistants_message_with_fewer_tokens_left() -> None:
    left = rest(CHAT, ("Hel", 1), ("lo", 2))
    assert left.messages == (*CHAT.messages, Message("assistant", "Hello"))
    assert left.max_tokens == 7


def test_an_answer_that_was_being_continued_is_continued_further() -> None:
    begun = Request(messages=(Message("user", "Hi"), Message("assistant", "Well")))
    left = rest(begun, (", yes", 2))
    assert left.messages == (Message("user", "Hi"), Message("assistant", "Well, yes"))
    assert left.max_tokens is None


def test_raw_text_and_a_gap_grow_by_what_was_told() -> None:
    assert rest(Request(prompt="1, 2,"), (" 3,", 2)).prompt == "1, 2, 3,"
    gap = rest(Request(fill_in=FillIn("def f(", "):", middle="a")), (", b", 2)).fill_in
    assert gap == FillIn("def f(", "):", middle="a, b")


def test_where_all_tokens_were_told_nothing_is_asked() -> None:
    told = after(CHAT, ("Hello", 10))
    done = told.rest()
    assert isinstance(done, Done)
    counted = told.add(done)
    assert isinstance(counted, Done)
    assert (counted.finish_reason, counted.timings.predicted_n) == ("length", 10)


def test_counts_are_of_all_parts_after_two_crashes_too() -> None:
    told = after(CHAT, ("a", 1))
    told.rest()
    told.add(Text("b", 2))
    told.rest()
    told.add(Text("c", 3))
    done = told.add(Done("stop", Timings(predicted_n=3, predicted_ms=30.0), 0, 0))
    assert isinstance(done, Done)
    assert done.timings.predicted_n == 6
    assert done.timings.predicted_ms >= 30.0


def test_without_a_crash_an_answers_counts_are_left_alone() -> None:
    told = after(CHAT, ("a", 1))
    done = Done("stop", Timings(predicted_n=1), 0, 0)
    assert told.add(done) is done


def test_several_answers_are_asked_for_again_only_where_nothing_of_them_was_told() -> None:
    several = Request(prompt="x", count=3)
    assert Told(several).rest() is several
    told = after(several, ("a", 1))
    assert not told.can_go_on
    with pytest.raises(ValueError, match="several"):
        told.rest()
