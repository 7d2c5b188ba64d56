"""Where an answer ends, rests or is cancelled, and what the context still holds then."""

from dataclasses import replace

import pytest
from fakes.engines import CAPITAL, done, text_of, told

from spectra_local.engine import Engine
from spectra_local.errors import ContextFullError
from spectra_local.protocol import (
    Event,
    Message,
    Notice,
    PromptProgress,
    Request,
    Sampling,
    Text,
)

pytestmark = pytest.mark.model


def test_most_tokens_and_stop_texts_end_an_answer(engine: Engine) -> None:
    short = list(engine.generate(Request(messages=CAPITAL.messages, max_tokens=3)))
    assert (done(short).finish_reason, done(short).timings.predicted_n) == ("length", 3)
    stopped = list(engine.generate(Request(messages=CAPITAL.messages, stop=("Paris",))))
    assert done(stopped).finish_reason == "stop"
    assert "Paris" not in text_of(stopped)


def test_old_turns_are_left_out_and_the_user_is_told(small: Engine) -> None:
    turns = [Message("system", "You are terse."), Message("user", "Remember: the word is plum.")]
    for i in range(8):
        turns += [
            Message("assistant", f"Noted, that was number {i} of the things you said to me."),
            Message("user", "Go on."),
        ]
    events = list(small.generate(Request(messages=tuple(turns), max_tokens=8)))
    notices = [e.text for e in events if isinstance(e, Notice)]
    assert "left out" in notices[0]
    assert "256" in notices[0]
    assert done(events).n_past <= 256


def test_a_prompt_longer_than_the_context_is_refused_with_numbers(small: Engine) -> None:
    with pytest.raises(ContextFullError, match="256"):
        list(small.generate(Request(messages=(Message("user", "word " * 400),))))
    assert "Paris" in text_of(list(small.generate(CAPITAL)))


def test_an_answer_ends_where_the_context_does(small: Engine) -> None:
    events = list(small.generate(Request(prompt="1, 2, 3, 4, 5, 6,")))
    assert done(events).finish_reason == "context"
    assert done(events).n_past <= 256


def test_cancelling_keeps_what_there_is_and_the_next_answer_is_whole(exact: Engine) -> None:
    expected = text_of(list(exact.generate(CAPITAL)))
    events: list[Event] = []
    for event in exact.generate(Request(messages=(Message("user", "Tell a very long story."),))):
        events.append(event)
        if sum(isinstance(e, Text) for e in events) == 5:
            exact.cancel()
    assert done(events).finish_reason == "cancelled"
    assert text_of(events)
    assert text_of(list(exact.generate(CAPITAL))) == expected


def test_cancel_stops_a_long_prefill(engine: Engine) -> None:
    long = Request(messages=(Message("user", "A long text that takes a while to read. " * 350),))
    events: list[Event] = []
    for event in engine.generate(long):
        events.append(event)
        if isinstance(event, PromptProgress) and event.done:
            engine.cancel()
    assert done(events).finish_reason == "cancelled"
    assert not text_of(events)


def test_a_cancel_when_idle_does_not_end_the_next_answer(engine: Engine) -> None:
    engine.cancel()
    assert done(list(engine.generate(CAPITAL))).finish_reason != "cancelled"


@pytest.mark.parametrize("speculate", [False, True])
def test_an_answer_that_rests_while_a_completion_is_made_has_the_same_text(exact: Engine, speculate: bool) -> None:
    asked = replace(CAPITAL, sampling=Sampling(temperature=0.8, seed=7), speculate=speculate, max_tokens=30)
    typing = Request(prompt="1, 2, 3, 4, 5, 6,", kind="complete", max_tokens=6)
    list(exact.generate(asked))  # so that each of the two finds its prompt in the context
    alone = list(exact.generate(asked))
    events: list[Event] = []
    for event in exact.generate(asked):
        events.append(event)
        if isinstance(event, Text):
            with exact.pause():
                assert text_of(list(exact.generate(typing))).startswith(" 7, 8")
    assert text_of(events) == text_of(alone)
    assert done(events).timings.cache_n == done(alone).timings.cache_n
    last = list(exact.generate(typing))
    assert done(last).timings.prompt_n <= 1  # nor was it evicted


def test_an_answer_may_rest_while_its_prompt_is_read(exact: Engine) -> None:
    prompt = "One two three. " * 80
    asked = Request(prompt=prompt, max_tokens=4, speculate=False)
    typing = Request(prompt="1, 2, 3, 4, 5, 6,", kind="complete", max_tokens=6)
    events: list[Event] = []
    for event in exact.generate(asked):
        events.append(event)
        if isinstance(event, PromptProgress) and event.done < event.total:
            with exact.pause():
                list(exact.generate(typing))
    assert text_of(events) == text_of(list(exact.generate(asked)))
    assert done(events).timings.prompt_n == len(exact.prompt_tokens(asked))


@pytest.mark.parametrize("count", [1, 2])
def test_a_stop_text_that_is_a_control_token_stops_when_that_is_drawn(engine: Engine, count: int) -> None:
    token = engine.model.control_token("<|im_start|>")
    assert token is not None
    forced = Sampling(logit_bias=((token, 100.0),))
    request = Request(prompt="Hello", sampling=forced, max_tokens=5, count=count, logprobs=0)
    on = list(engine.generate(request))
    assert (done(on).finish_reason, done(on).timings.predicted_n) == ("length", 5 * count)
    stopped = list(engine.generate(replace(request, stop=("<|im_start|>",))))
    assert (text_of(stopped), told(stopped)) == ("", [])
    assert (done(stopped).finish_reason, done(stopped).timings.predicted_n) == ("stop", count)
