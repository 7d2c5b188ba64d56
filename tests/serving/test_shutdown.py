"""What clients get whose answers are not finished when the server ends."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fakes.http_server import server_and_client
from fakes.scripted import INFO, Gate, Script, ScriptedAssistant, done
from fakes.waiting import wait_until

from spectra_local.protocol import Text

CHAT = {"messages": [{"role": "user", "content": "Hi"}]}
GAP = {"input_prefix": "a = ", "input_suffix": "\n"}


def ended_meanwhile(path: str, body: dict[str, Any], *before: Text, n: int = 1) -> list[httpx.Response]:
    """Answers to ``n`` such requests: the server ends after ``before`` of the first."""
    gate = Gate()
    script: Script = [*before, gate, Text("never said"), done()]
    assistant = ScriptedAssistant(script, info=INFO)
    with server_and_client(assistant) as (server, client), ThreadPoolExecutor(n) as pool:
        asked = [pool.submit(client.post, path, json=body) for _ in range(n)]
        assert gate.reached.wait(20)
        wait_until(lambda: f"requests_waiting {n - 1}\n" in client.get("/metrics").text)
        server.should_exit = True
        return [reply.result(20) for reply in asked]


@pytest.mark.parametrize(("path", "body", "n"), [("/v1/chat/completions", CHAT, 2), ("/infill", GAP, 1)])
def test_an_answer_with_nothing_yet_is_an_error_in_json(
    path: str, body: dict[str, Any], n: int, caplog: pytest.LogCaptureFixture
) -> None:
    for reply in ended_meanwhile(path, body, n=n):  # a second one waits
        assert (reply.status_code, reply.json()["error"]["type"]) == (503, "unavailable_error")
        assert "ending" in reply.json()["error"]["message"]
    assert not caplog.records


def test_an_answer_ends_with_what_there_is(caplog: pytest.LogCaptureFixture) -> None:
    (reply,) = ended_meanwhile("/v1/chat/completions", CHAT, Text("so far"))
    assert reply.status_code == 200
    choice = reply.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("so far", "error")
    assert "cut off" in reply.json()["error"]["message"]
    assert not caplog.records


def test_a_stream_ends_with_its_last_event(caplog: pytest.LogCaptureFixture) -> None:
    (reply,) = ended_meanwhile("/v1/chat/completions", {**CHAT, "stream": True}, Text("so far"))
    *events, end = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert end == "[DONE]"
    last = json.loads(events[-1])
    assert last["choices"][0]["finish_reason"] == "error"
    assert (last["error"]["type"], "cut off" in last["error"]["message"]) == ("unavailable_error", True)
    assert not caplog.records


def test_a_second_ctrl_c_takes_the_patience_and_cuts_nothing_off(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    assistant = ScriptedAssistant([Text("so far"), gate, done()])
    served = server_and_client(assistant, patience_s=3600)
    with served as (server, client), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/v1/chat/completions", json=CHAT)
        assert gate.reached.wait(20)
        for _ in range(2):
            server.handle_exit(signal.SIGINT, None)
        reply = asked.result(20)
    assert reply.json()["choices"][0]["message"]["content"] == "so far"
    assert not caplog.records
