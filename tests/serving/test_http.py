"""The server over real HTTP, with a scripted engine."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fakes.http_server import serving
from fakes.scripted import GENEROUS_S, INFO, Gate, ScriptedAssistant, done, say
from fakes.waiting import wait_until

from spectra_local.errors import ContextFullError, WorkerError
from spectra_local.protocol import Message, Notice, PromptProgress, Text
from spectra_local.serving.access import Access

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant(say("Hello there."))


@pytest.fixture
def client(assistant: ScriptedAssistant) -> Iterator[httpx.Client]:
    with serving(assistant) as client:
        yield client


def chunks(text: str) -> list[dict]:
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def test_a_chat_is_answered_whole_and_compact(client: httpx.Client, assistant: ScriptedAssistant) -> None:
    reply = client.post(CHAT, json=HELLO)
    assert reply.status_code == 200
    assert '"content":"Hello there."' in reply.text
    assert reply.json()["choices"][0]["finish_reason"] == "stop"
    assert reply.json()["usage"]["completion_tokens"] == 3
    assert assistant.requests[0].messages == (Message("user", "Hi"),)


def test_a_chat_is_streamed_with_usage_at_the_end(client: httpx.Client) -> None:
    body = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
    pieces = chunks(client.post(CHAT, json=body).text)
    assert pieces[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(p["choices"][0]["delta"].get("content", "") for p in pieces if p["choices"]) == "Hello there."
    assert pieces[-2]["choices"][0]["finish_reason"] == "stop"
    assert pieces[-1]["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
def test_a_notice_comes_in_a_chunk_with_a_choice_as_clients_read_the_first_of_each(path: str) -> None:
    with serving(ScriptedAssistant([Notice("Something to know."), *say("Hello.")])) as client:
        body = {**HELLO, "stream": True} if path == CHAT else {"prompt": "Hi", "stream": True}
        pieces = chunks(client.post(path, json=body).text)
    assert [len(piece["choices"]) for piece in pieces] == [1] * len(pieces)
    assert [piece["notices"] for piece in pieces if "notices" in piece] == [["Something to know."]]


def test_old_messages_are_left_out_for_those_alone_who_ask_for_that() -> None:
    assistant = ScriptedAssistant([ContextFullError("it has 9 tokens and the context holds 8")], say("Hi."))
    with serving(assistant) as client:
        refused = client.post(CHAT, json={"messages": HELLO["messages"] * 3})
        assert '"truncation": "auto"' in refused.json()["error"]["message"]
        for wanted in ({"truncation": "auto"}, {"truncation": "disabled"}, {"truncation": None}):
            assert client.post(CHAT, json={**HELLO, **wanted}).status_code == 200
        assert client.post(CHAT, json={**HELLO, "truncation": "middle"}).json()["error"]["param"] == "truncation"
        many = {"messages": HELLO["messages"] * (INFO.n_ctx + 1)}
        assert client.post(CHAT, json=many).json()["error"]["code"] == "context_length_exceeded"
        assert client.post(CHAT, json={**many, "truncation": "auto"}).status_code == 200
    assert [request.truncate for request in assistant.requests] == [False, True, False, False, True]


@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
@pytest.mark.parametrize("error", [WorkerError("it died"), ContextFullError("full"), RuntimeError("secret path")])
def test_an_error_in_a_stream_comes_in_a_chunk_with_a_choice_too(path: str, error: Exception) -> None:
    with serving(ScriptedAssistant([PromptProgress(1, 2), Text("So far"), error])) as client:
        body = {**HELLO, "stream": True} if path == CHAT else {"prompt": "Hi", "stream": True}
        pieces = chunks(client.post(path, json=body).text)
    assert [len(piece["choices"]) for piece in pieces] == [1] * len(pieces)
    assert {piece["object"] for piece in pieces} == {"chat.completion.chunk" if path == CHAT else "text_completion"}
    assert pieces[-1]["choices"][0]["finish_reason"] == "error"
    assert pieces[-1]["error"]["message"]
    assert "secret" not in pieces[-1]["error"]["message"]


def test_only_the_usage_that_was_asked_for_has_no_choice(client: httpx.Client) -> None:
    for options, n_without in (({"include_usage": True}, 1), ({"include_usage": False}, 0), (None, 0)):
        pieces = chunks(client.post(CHAT, json={**HELLO, "stream": True, "stream_options": options}).text)
        without = [piece for piece in pieces if not piece["choices"]]
        assert (len(without), all("usage" in piece for piece in without)) == (n_without, True)


def test_prediction_sampling_and_limits_reach_the_engine(client: httpx.Client, assistant: ScriptedAssistant) -> None:
    prediction = {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    body = {**HELLO, "prediction": prediction, "temperature": 0.5, "seed": 7, "max_tokens": 9999, "stop": "X"}
    assert client.post(CHAT, json=body).status_code == 200
    request = assistant.requests[0]
    assert (request.prediction, request.sampling.temperature, request.sampling.seed) == ("ab", 0.5, 7)
    assert (request.max_tokens, request.stop) == (256, ("X",))


def test_accepted_prediction_tokens_are_told() -> None:
    timings = {"accepted_by_source": {"prediction": 5, "core": 2}, "rejected_by_source": {"prediction": 1}}
    with serving(ScriptedAssistant([Text("x"), done(**timings)])) as client:
        details = client.post(CHAT, json=HELLO).json()["usage"]["completion_tokens_details"]
    assert details == {"accepted_prediction_tokens": 5, "rejected_prediction_tokens": 1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"[1]", "object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}', "NaN"),
        (b'{"messages":[{"role":"user","content":"\\ud800"}]}', "surrogate"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"{}", "messages"),
        (b'{"messages":"hi"}', "messages must be a list"),
        (b'{"messages":[1]}', "messages must be a list of objects"),
        (b'{"messages":[{"role":"robot","content":"x"}]}', "messages[0].role"),
        (b'{"messages":[{"role":"user","content":7}]}', "messages[0].content"),
        (b'{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}', "messages[0].content[0].type"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":"9"}', "max_tokens must be a number"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":-2}', "max_tokens"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":true}', "max_tokens"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":1e400}', "max_tokens"),
        (b'{"messages":[{"role":"user","content":"x"}],"stream":"yes"}', "stream must be true or false"),
        (b'{"messages":[{"role":"user","content":"x"}],"n":9}', "n must be between 1 and 8"),
        (b'{"messages":[{"role":"user","content":"x"}],"tools":[{}]}', "tools are not supported"),
    ],
)
def test_a_bad_request_is_400_and_says_why(
    client: httpx.Client, assistant: ScriptedAssistant, body: bytes, says: str
) -> None:
    reply = client.post(CHAT, content=body)
    assert reply.status_code == 400
    assert says in reply.json()["error"]["message"]
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert not assistant.requests


def test_unknown_fields_nulls_and_an_empty_model_are_ignored(client: httpx.Client) -> None:
    body = {**HELLO, "model": "", "stop": None, "user": None, "frobnicate": {"a": [1]}, "id_slot": 3, "samplers": []}
    assert client.post(CHAT, json=body, headers={"Authorization": "Bearer any"}).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_an_engines_error_has_its_status_also_where_a_stream_was_asked_for(stream: bool) -> None:
    with serving(ScriptedAssistant([ContextFullError("the prompt is too long")])) as client:
        reply = client.post(CHAT, json={**HELLO, "stream": stream})
    error = reply.json()["error"]
    assert (reply.status_code, error["message"]) == (400, "the prompt is too long")
    assert (error["code"], error["type"]) == ("context_length_exceeded", "invalid_request_error")


def test_a_dead_engine_is_503_and_loaded_again_for_the_next_request() -> None:
    with serving(ScriptedAssistant([WorkerError("it died")], say("Back."))) as client:
        assert client.post(CHAT, json=HELLO).status_code == 503
        assert client.post(CHAT, json=HELLO).json()["choices"][0]["message"]["content"] == "Back."


def test_a_defect_is_500_without_its_details() -> None:
    with serving(ScriptedAssistant([RuntimeError("secret path")])) as client:
        reply = client.post(CHAT, json=HELLO)
    assert reply.status_code == 500
    assert "secret" not in reply.text


def test_other_paths_and_methods_are_404_and_405_in_the_same_shape(client: httpx.Client) -> None:
    for reply, status in ((client.get("/nothing"), 404), (client.get(CHAT), 405), (client.options(CHAT), 405)):
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], bool(error["message"])) == (status, None, True)
    assert client.get(CHAT).headers["Allow"] == "POST"


@pytest.mark.parametrize("stream", [False, True])
def test_a_closed_connection_ends_decoding(stream: bool) -> None:
    gate = Gate()
    assistant = ScriptedAssistant([Text("a"), gate, Text("b"), done()], say("Next."))
    body = json.dumps({**HELLO, "stream": stream})
    with serving(assistant) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as line:
            head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            line.sendall(f"{head}{body}".encode())
            assert gate.reached.wait(GENEROUS_S)
        wait_until(lambda: 'answers_total{finish_reason="cancelled"} 1' in client.get("/metrics").text)
        assert client.post(CHAT, json=HELLO).json()["choices"][0]["message"]["content"] == "Next."


def test_a_full_queue_is_503_and_an_idle_server_answers_even_where_none_may_wait() -> None:
    gate = Gate()
    with serving(ScriptedAssistant([gate, *say("x")]), max_waiting=0) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, CHAT, json=HELLO)
        assert gate.reached.wait(GENEROUS_S)
        assert client.post(CHAT, json=HELLO).status_code == 503
        gate.open()
        assert first.result(GENEROUS_S).status_code == 200


def test_models_health_and_metrics(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/v1/models").json()["data"][0]["id"] == "scripted"
    client.post(CHAT, json=HELLO)
    text = client.get("/metrics").text
    assert 'spectra_requests_total{endpoint="/v1/chat/completions",status="200"} 1' in text
    assert "\nspectra_predicted_tokens_total 3\n" in text


def test_raw_text_is_continued(client: httpx.Client, assistant: ScriptedAssistant) -> None:
    reply = client.post("/v1/completions", json={"prompt": "Once", "max_tokens": 5}).json()
    assert (reply["object"], reply["choices"][0]["text"]) == ("text_completion", "Hello there.")
    assert (assistant.requests[0].prompt, assistant.requests[0].max_tokens) == ("Once", 5)


def test_a_rebound_name_a_foreign_page_and_a_missing_token_are_refused() -> None:
    with serving(ScriptedAssistant(), Access(token="s3cret")) as client:
        allowed = {"Authorization": "Bearer s3cret"}
        assert client.get("/health", headers={"Host": "evil.example"}).status_code == 403
        assert client.get("/health", headers={"Host": "127.0.0.1.evil.example:8012"}).status_code == 403
        assert client.get("/v1/models", headers={**allowed, "Origin": "https://evil.example"}).status_code == 403
        assert client.get("/v1/models", headers={**allowed, "Origin": "null"}).status_code == 403
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models", headers={"Authorization": "Bearer s3cre"}).status_code == 401
        assert client.get("/v1/models", headers={**allowed, "Host": "LOCALHOST:99"}).status_code == 200
        assert client.get("/health").status_code == 200
        reply = client.get("/v1/models", headers={**allowed, "Origin": "http://localhost:3000"})
        assert not [name for name in reply.headers if name.startswith("access-control")]
