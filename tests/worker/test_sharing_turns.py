"""Whose turn it is at a shared engine: cancels, completions between tokens, what gives way."""

import threading
from contextlib import closing
from dataclasses import replace

import pytest
from fakes.sharing import COUNT, STORY, Join, text_of
from fakes.waiting import wait_until

from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.protocol import Done, Event, Notice, Request, Text, Timings

pytestmark = pytest.mark.model


def test_a_cancel_ends_only_the_request_of_the_one_who_cancels(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    next(story)
    waiting = second.generate(COUNT)
    done: list[list[Event]] = []
    thread = threading.Thread(target=lambda: done.append(list(waiting)))
    thread.start()
    wait_until(lambda: second.n_requests == 1)
    second.cancel()
    thread.join(20)  # at once, though the first one's story goes on
    last = done[0][-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled"
    assert any(isinstance(event, Text) and event.text for event in story)
    second_answer: list[str] = []
    thread = threading.Thread(target=lambda: second_answer.append(text_of(list(second.generate(COUNT)))))
    thread.start()
    first.cancel()
    last = list(story)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled"
    thread.join(30)
    assert second_answer[0].startswith(" 7, 8")


def test_a_completion_goes_between_two_tokens_of_a_long_answer(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    begun = [next(story) for _ in range(3)]
    assert text_of(list(second.generate(replace(COUNT, kind="complete")))).startswith(" 7, 8")
    after = [next(story) for _ in range(3)]
    assert all(isinstance(event, Text) for event in after), begun
    first.cancel()
    assert list(story)[-1].finish_reason == "cancelled"  # type: ignore[union-attr]


def test_a_cancel_reaches_an_answer_that_rests_and_not_the_completion_meanwhile(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    for _ in range(3):
        next(story)
    typing = second.generate(replace(COUNT, kind="complete", max_tokens=40))
    next(typing)
    first.cancel()
    last = list(typing)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason != "cancelled"
    last = list(story)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled"


def test_what_nobody_waits_for_gives_way_and_is_answered_later(visit: Join) -> None:
    first = visit()
    answered: list[Event] = []

    def ask(n_tokens: int) -> None:
        answered[:] = first.generate(replace(STORY, max_tokens=n_tokens, background=True))

    for n_tokens in (100, 400, 1600):  # more on a machine that is done with fewer before it hears of the other
        answered.clear()
        n_asked = first.n_requests
        thread = threading.Thread(target=ask, args=(n_tokens,))
        thread.start()
        wait_until(lambda n=n_asked + 1: first.n_requests == n)
        second = visit()  # which takes longer than it takes the engine to begin with the other
        assert text_of(list(second.generate(COUNT))).startswith(" 7, 8")
        gave_way = not answered
        thread.join()
        assert isinstance(answered[-1], Done)
        assert answered[-1].timings.predicted_n == n_tokens
        if gave_way:
            return
    pytest.fail("it never gave way")


def test_an_accepted_completion_is_acknowledged_at_once_and_learned_later(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    next(story)
    (noted,) = second.generate(Request(prompt="the answer is ", accepted="forty-two", kind="complete"))
    assert noted == Done("stop", Timings(), 0, 0), "noted by the line, not learned by the engine"
    first.cancel()
    last = list(story)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled", "it was acknowledged after the story only"
    with closing(Database()) as database:
        wait_until(lambda: "forty-two" in [t.text for t in Store(database).latest(first.info.fingerprint, 0, 10_000)])


def test_who_waits_behind_a_long_answer_is_told_so(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    next(story)
    answer = second.generate(COUNT)
    assert isinstance(next(answer), Notice)
    first.cancel()
    list(story)
    assert text_of(list(answer)).startswith(" 7, 8")
