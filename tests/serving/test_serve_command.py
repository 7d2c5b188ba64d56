"""``spectra-chat serve`` as a user starts it, with the real model, asked by OpenAI's own client."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from click.testing import CliRunner
from fakes.served import serving
from fakes.waiting import wait_until

from spectra_local.cli.main import root

pytestmark = pytest.mark.model

PAGE = "http://localhost:3000"


@pytest.fixture(scope="module")
def url(smollm2_path: Path, module_home: Path) -> Iterator[str]:
    with serving(smollm2_path, "--origin", PAGE, "--max-body", "2", ends_by=signal.SIGINT, exit_code=130) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_openais_client_streams_a_chat(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=client.models.list().data[0].id,
        messages=[{"role": "user", "content": "What is the capital of France? Answer in one sentence."}],
        max_tokens=24,
        stream=True,
        stream_options={"include_usage": True},
    )
    pieces = list(stream)
    assert "Paris" in "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert pieces[-1].usage is not None
    assert 0 < pieces[-1].usage.completion_tokens <= 24


def test_openais_client_streams_a_completion(client: openai.OpenAI) -> None:
    stream = client.completions.create(model="", prompt="1, 2, 3, 4, 5, 6,", max_tokens=8, stream=True)
    assert "7, 8" in "".join(piece.choices[0].text for piece in stream if piece.choices)


def test_a_prediction_is_accepted(client: openai.OpenAI) -> None:
    text = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16"
    answer = client.chat.completions.create(
        model="",
        messages=[{"role": "user", "content": f"Repeat exactly:\n{text}"}],
        prediction={"type": "content", "content": text},
        max_tokens=60,
    )
    assert answer.usage is not None
    details = answer.usage.completion_tokens_details
    assert details is not None
    assert details.accepted_prediction_tokens is not None
    assert details.rejected_prediction_tokens is not None


@pytest.mark.parametrize("own_engine", [False, True])
def test_a_completion_does_not_wait_for_the_end_of_a_chats_answer(
    request: pytest.FixtureRequest, smollm2_path: Path, own_engine: bool
) -> None:
    with ExitStack() as started:
        if own_engine:
            server = serving(smollm2_path, "--own-engine", ends_by=signal.SIGTERM, exit_code=0)
            url = started.enter_context(server)
        else:
            url = request.getfixturevalue("url")
        client = started.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0))
        _completion_comes_between(client, url, "a tortoise" if own_engine else "a cat")


def _completion_comes_between(client: openai.OpenAI, url: str, hero: str) -> None:
    """``hero``: a story that was told before would be drafted, and over in no time."""
    asked: Any = [{"role": "user", "content": f"Tell a very long story about {hero}."}]
    story = client.chat.completions.create(model="", messages=asked, max_tokens=1500, stream=True)
    for _ in range(3):
        next(story)
    gap = {"input_prefix": "def add(a, b):\n    return ", "input_suffix": "\n", "n_predict": 4}
    assert httpx.post(f"{url}/infill", json=gap, timeout=60).status_code == 200
    # The story alone, as soon as the completion's turn is over too.
    wait_until(lambda: "requests_processing 1\n" in httpx.get(f"{url}/metrics").text)
    assert next(story).choices[0].finish_reason is None  # it goes on
    story.close()


def test_a_prompt_beyond_the_context_is_400_with_both_numbers(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="2048"):
        client.completions.create(model="", prompt="word " * 3000)


def test_a_history_beyond_the_context_is_400_unless_it_may_lose_turns(client: openai.OpenAI) -> None:
    history: Any = [
        {"role": "user", "content": "word " * 300_000},
        {"role": "assistant", "content": "What of it?"},
        {"role": "user", "content": "Say hello."},
    ]
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="", messages=history)
    assert refused.value.code == "context_length_exceeded"
    stream = client.chat.completions.create(
        model="", messages=history, max_tokens=4, stream=True, extra_body={"truncation": "auto"}
    )
    pieces = list(stream)
    assert [len(piece.choices) for piece in pieces] == [1] * len(pieces)
    assert any("left out" in str(getattr(piece, "notices", "")) for piece in pieces)


def test_the_options_for_pages_and_bodies_have_their_effect(url: str) -> None:
    first = httpx.options(
        f"{url}/v1/chat/completions", headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    )
    assert (first.status_code, first.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert httpx.post(f"{url}/infill", content=b" " * (2 << 20)).status_code == 400
    assert httpx.post(f"{url}/infill", content=b" " * ((2 << 20) + 1)).status_code == 413


def test_an_address_that_others_reach_needs_a_token() -> None:
    assert "SPECTRA_TOKEN" not in os.environ
    result = CliRunner().invoke(root, ["serve", "--host", "0.0.0.0"])
    assert "set a token" in str(result.exception)


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_gets_several_answers_with_logprobs(client: openai.OpenAI, stream: bool) -> None:
    reply = client.chat.completions.create(
        model="",
        messages=[{"role": "user", "content": "Name a colour."}],
        n=3,
        temperature=1.0,
        max_tokens=6,
        logprobs=True,
        top_logprobs=2,
        stream=stream,
    )
    pieces = list(reply) if isinstance(reply, openai.Stream) else [reply]
    texts, ends, named = [""] * 3, [""] * 3, [b""] * 3
    for piece in pieces:
        for choice in piece.choices:
            said = choice.delta if hasattr(choice, "delta") else choice.message
            texts[choice.index] += said.content or ""
            ends[choice.index] += choice.finish_reason or ""
            for token in (choice.logprobs and choice.logprobs.content) or []:
                named[choice.index] += bytes(token.bytes or [])  # one character may take several tokens
                assert token.logprob <= 0
                assert len(token.top_logprobs) == 2
    assert [name.decode("utf-8", "ignore") for name in named] == texts
    assert all(end in ("stop", "length") for end in ends)


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_gets_its_prompts_back_with_logprobs(client: openai.OpenAI, stream: bool) -> None:
    prompts = ["The capital of France is Paris.", "One, two, three"]
    reply = client.completions.create(model="", prompt=prompts, echo=True, logprobs=1, max_tokens=0, stream=stream)
    pieces = list(reply) if isinstance(reply, openai.Stream) else [reply]
    choices = [choice for piece in pieces for choice in piece.choices]
    assert ["".join(c.text for c in choices if c.index == i) for i in range(2)] == prompts
    assert [c.finish_reason for c in choices if c.finish_reason] == ["length"] * 2
    for choice in choices:
        if choice.logprobs and choice.logprobs.tokens:
            told = choice.logprobs
            assert "".join(told.tokens) == prompts[choice.index]
            assert told.token_logprobs[0] is None
            assert all(each < 0 for each in told.token_logprobs[1:])
            assert told.text_offset == [len("".join(told.tokens[:i])) for i in range(len(told.tokens))]


def test_the_same_prompt_counts_the_same_twice(client: openai.OpenAI) -> None:
    counts = [client.completions.create(model="", prompt="Red, green, " * 9, max_tokens=8).usage for _ in range(2)]
    assert counts[0].prompt_tokens == counts[1].prompt_tokens
    assert counts[1].prompt_tokens_details.cached_tokens == counts[1].prompt_tokens - 1
