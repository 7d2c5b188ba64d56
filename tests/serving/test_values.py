"""What the values of a request mean, over real HTTP with a scripted engine."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import inf

import httpx
import pytest
from fakes.http_server import serving
from fakes.scripted import ScriptedAssistant, done, say

from spectra_local import wire
from spectra_local.protocol import Echo, Sampling, Text

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
HELLO = {"messages": [{"role": "user", "content": "Hi"}], "prompt": "Hi"}


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant(say("Hello there."))


@pytest.fixture
def client(assistant: ScriptedAssistant) -> Iterator[httpx.Client]:
    with serving(assistant) as client:
        yield client


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"top_p": 0}, Sampling(top_p=0)),
        ({"top_k": -1}, Sampling(top_k=0)),
        ({"seed": 1 << 63}, Sampling(seed=(1 << 63) % ((1 << 32) - 1))),
        ({"grammar": "", "typical_p": 1, "mirostat": 0, "guided_choice": []}, Sampling()),
        ({"repetition_penalty": 1.2}, Sampling(repeat_penalty=1.2)),
        ({"frequency_penalty": 0.5, "presence_penalty": -1}, Sampling(frequency_penalty=0.5, presence_penalty=-1)),
        ({"repeat_last_n": 9}, Sampling(repeat_last_n=9)),
        ({"logit_bias": [[7, -3], [8, False]]}, Sampling(logit_bias=((7, -3), (8, -inf)))),
        ({"logit_bias": {"7": -100, "8": 2.5}}, Sampling(logit_bias=((7, -100), (8, 2.5)))),
    ],
)
def test_values_mean_what_their_senders_mean(
    client: httpx.Client, assistant: ScriptedAssistant, path: str, values: dict, expected: Sampling
) -> None:
    assert client.post(path, json={**HELLO, **values}).status_code == 200
    assert assistant.requests[0].sampling == expected
    assert wire.decode(wire.encode(expected)) == expected


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", int("9" * 400)),
        ("temperature", int("9" * 400)),
        ("mirostat", 2),
        ("typical_p", 0.5),
        ("grammar", "root ::= x"),
        ("ignore_eos", True),
        ("logit_bias", {"the": 1}),
        ("logit_bias", [["the", 1]]),
        ("logit_bias", [[1, True]]),
        ("best_of", 3),
        ("n", 0),
        ("stop_token_ids", [3]),
        ("use_beam_search", True),
        ("skip_special_tokens", False),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(client: httpx.Client, path: str, name: str, value: object) -> None:
    reply = client.post(path, json={**HELLO, name: value})
    assert reply.status_code == 400
    assert name in reply.json()["error"]["message"]


def test_parts_of_text_are_lines(client: httpx.Client, assistant: ScriptedAssistant) -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "input_text", "text": "b"},
        {"type": "refusal", "refusal": "c"},
    ]
    assert client.post(CHAT, json={"messages": [{"role": "user", "content": parts}]}).status_code == 200
    assert assistant.requests[0].messages[0].content == "a\nb\nc"


@pytest.mark.parametrize(
    ("name", "value"), [("n", 2), ("echo", True), ("logprobs", 1), ("n_probs", 2), ("mirostat", 1), ("grammar", "x")]
)
def test_a_fill_in_refuses_what_it_cannot_give(client: httpx.Client, name: str, value: object) -> None:
    reply = client.post("/infill", json={"input_prefix": "a", "input_suffix": "b", name: value})
    assert reply.status_code == 400
    assert name in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "values", "name"),
    [
        (CHAT, {"top_logprobs": 3}, "top_logprobs"),
        (CHAT, {"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        (CHAT, {"echo": True}, "echo"),
        (TEXT, {"logprobs": -1}, "logprobs"),
        (TEXT, {"prompt": [1, "a"]}, "prompt"),
        (TEXT, {"prompt": [True]}, "prompt"),
        (TEXT, {"prompt": ["a", ""]}, "prompt"),
        (TEXT, {"prompt": []}, "prompt"),
        (TEXT, {"suffix": "x", "echo": True}, "suffix"),
    ],
)
def test_values_that_make_no_sense_are_named(client: httpx.Client, path: str, values: dict, name: str) -> None:
    reply = client.post(path, json={**HELLO, **values})
    assert reply.status_code == 400
    assert name in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (["a", "b"], [("a", ()), ("b", ())]),
        ([1, 2], [(None, (1, 2))]),
        ([[1, 2], [3]], [(None, (1, 2)), (None, (3,))]),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_several_prompts_are_answered_one_after_the_other(prompt: list, expected: list, stream: bool) -> None:
    assistant = ScriptedAssistant(say("One."), say("Two."))
    with serving(assistant) as client:
        reply = client.post(TEXT, json={"prompt": prompt, "stream": stream})
    if stream:
        bodies = [json.loads(line[6:]) for line in reply.text.split("\n\n") if line and not line.endswith("[DONE]")]
        assert [len(body["choices"]) for body in bodies] == [1] * len(bodies)
        choices = [body["choices"][0] for body in bodies]
    else:
        choices = reply.json()["choices"]
    texts = ["".join(c["text"] for c in choices if c["index"] == i) for i in range(len(expected))]
    assert texts == ["One.", "Two."][: len(expected)]
    ends = [(c["index"], c["finish_reason"]) for c in choices if c["finish_reason"]]
    assert ends == [(i, "stop") for i in range(len(expected))]
    assert [(request.prompt, request.prompt_ids) for request in assistant.requests] == expected


def test_each_of_several_answers_has_its_own_end() -> None:
    end = replace(done(), finish_reason="length", ended=(1,))
    script = [Echo("Hi"), Text("a", answer=0), Text("b", answer=1), Text("c", answer=0), end]
    with serving(ScriptedAssistant(script)) as client:
        choices = client.post(TEXT, json={"prompt": "Hi", "n": 2, "echo": True}).json()["choices"]
    assert [(c["index"], c["text"], c["finish_reason"]) for c in choices] == [(0, "Hiac", "length"), (1, "Hib", "stop")]
