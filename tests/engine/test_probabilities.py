"""What is told of an answer: sources, costs, probabilities and counts of tokens."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes.engines import CAPITAL, done, loaded, text_of, told
from fakes.prices import make_width_cheap

from spectra_local.engine import Engine
from spectra_local.protocol import (
    SOURCE_CODES,
    Echo,
    EngineOptions,
    Request,
    Sampling,
    Text,
)
from spectra_local.speculation.traces import CORE_FILE

pytestmark = pytest.mark.model


def test_each_character_says_what_it_was_accepted_from_and_each_piece_what_it_cost(
    smollm2_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_width_cheap(monkeypatch)
    engine = loaded(smollm2_path, EngineOptions(n_ctx=512))
    request = Request(prompt="red, green, blue, " * 12, max_tokens=40)
    events = list(engine.generate(request))
    pieces = [event for event in events if isinstance(event, Text)]
    timings = done(events).timings
    assert all(len(piece.sources) in (0, len(piece.text)) for piece in pieces)
    assert set("".join(piece.sources for piece in pieces)) & {SOURCE_CODES[s] for s in timings.accepted_by_source}
    assert timings.predicted_n / sum(piece.cost for piece in pieces) == pytest.approx(timings.speedup_estimate, rel=0.1)
    assert engine.info.decode_cost[0] == 1.0
    engine.close()


@pytest.mark.parametrize("learn", [True, False])
def test_what_the_model_tends_to_say_is_counted_on_disk_unless_nothing_may_be_learned(
    smollm2_path: Path, spectra_home: Path, learn: bool
) -> None:
    engine, counting = loaded(smollm2_path), "one, two, three, one, two, three, one,"
    list(engine.generate(Request(prompt=counting, kind="complete", max_tokens=8, learn=learn)))
    engine.close()
    assert bool(list((spectra_home / "cache").rglob(CORE_FILE))) == learn


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_penalties_and_biases_give_the_same_text_with_and_without_drafts(exact: Engine, temperature: float) -> None:
    sampling = Sampling(
        temperature=temperature,
        seed=3,
        repeat_penalty=1.1,
        frequency_penalty=0.2,
        presence_penalty=0.3,
        logit_bias=((28, -2.0), (30, 1.5)),
    )
    request = Request(prompt="red, green, blue, " * 12, max_tokens=40, sampling=sampling)
    plain = list(exact.generate(replace(request, speculate=False)))
    again = list(exact.generate(replace(request, prediction=text_of(plain))))
    assert text_of(again) == text_of(plain)
    assert done(again).timings.predicted_n == done(plain).timings.predicted_n


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_logprobs_are_the_models_own_with_and_without_drafts(exact: Engine, temperature: float) -> None:
    sampling = Sampling(temperature=temperature, seed=3, repeat_penalty=1.1)
    request = Request(prompt="red, green, blue, " * 12, max_tokens=24, sampling=sampling, logprobs=3)
    plain = list(exact.generate(replace(request, speculate=False)))
    drafted = list(exact.generate(replace(request, prediction=text_of(plain))))
    assert told(drafted) == told(plain)
    assert b"".join(bytes(each.token.bytes) for each in told(plain)).decode() == text_of(plain)
    assert all(len(each.top) == 3 for each in told(plain))
    for each in told(plain):
        assert each.token.logprob is not None
        assert [top.logprob for top in each.top] == sorted((top.logprob for top in each.top), reverse=True)  # type: ignore[type-var]
        assert each.token.logprob <= (each.top[0].logprob or 0)
    silent = list(exact.generate(replace(request, logprobs=None)))
    assert text_of(silent) == text_of(plain)
    assert told(silent) == []


def test_the_likelihood_of_a_prompt_is_that_of_the_same_words_as_an_answer(exact: Engine) -> None:
    answer = list(exact.generate(Request(prompt="1, 2, 3,", max_tokens=8, logprobs=0)))
    whole = Request(prompt="1, 2, 3," + text_of(answer), max_tokens=0, echo=True, logprobs=0)
    for _ in range(2):  # also where the context holds it
        events = list(exact.generate(whole))
        echo = next(event for event in events if isinstance(event, Echo))
        assert echo.text == whole.prompt
        assert b"".join(bytes(each.token.bytes) for each in echo.logprobs).decode() == whole.prompt
        assert echo.logprobs[0].token.logprob is None
        assert list(echo.logprobs[-len(told(answer)) :]) == told(answer)
        assert (text_of(events), done(events).finish_reason) == ("", "length")
        assert done(events).timings.prompt_n == len(exact.prompt_tokens(whole))


def test_a_prompt_that_is_only_read_has_no_answer(engine: Engine) -> None:
    for count in (1, 3):
        events = list(engine.generate(replace(CAPITAL, max_tokens=0, count=count)))
        assert text_of(events) == ""
        assert (done(events).finish_reason, done(events).timings.predicted_n) == ("length", 0)


def test_a_prompt_has_as_many_tokens_whether_or_not_it_was_read_before(engine: Engine) -> None:
    for prompt in ("A first text to be read.", "1, 2, 3, 4, 5, 6, 7, 8, " * 6):
        request = Request(prompt=prompt, max_tokens=12)
        for _ in range(3):
            timings = done(list(engine.generate(request))).timings
            assert timings.prompt_n + timings.cache_n == len(engine.prompt_tokens(request))
            assert timings.prompt_n > 0
