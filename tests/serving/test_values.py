"""What the values of a request mean, over real HTTP with a scripted engine."""

from collections.abc import Iterator

import httpx
import pytest
from fakes.http_server import serving
from fakes.scripted import ScriptedAssistant, say

from spectra_local import wire
from spectra_local.protocol import Sampling

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
