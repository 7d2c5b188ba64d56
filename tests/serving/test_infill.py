"""``/infill`` as llama.vim asks, with a scripted engine."""

import dataclasses
import threading

from fakes.http_server import serving
from fakes.scripted import INFO, Gate, ScriptedAssistant, done, say
from fakes.waiting import wait_until

from spectra_local.protocol import ExtraFile, FillIn, Text

CODER = dataclasses.replace(INFO, fill_in="qwen")
# What llama.vim sends, with its default settings.
ASKED = {
    "id_slot": 0,
    "input_prefix": "def add(a, b):\n",
    "input_suffix": "\n\nprint(add(1, 2))\n",
    "input_extra": [{"text": "x = 1\n", "time": [1, 2], "filename": "other.py"}],
    "prompt": "    return ",
    "n_predict": 128,
    "stop": [],
    "n_indent": 4,
    "top_k": 40,
    "top_p": 0.9,
    "samplers": ["top_k", "top_p", "infill"],
    "stream": False,
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 1000,
    "response_fields": ["content", "timings/prompt_n", "timings/predicted_per_second", "truncated", "tokens_cached"],
}


def test_the_answer_has_exactly_the_fields_that_llama_vim_asks_for() -> None:
    assistant = ScriptedAssistant(say("a + b"), info=CODER)
    with serving(assistant) as client:
        reply = client.post("/infill", json=ASKED)
    assert '"content":"a + b"' in reply.text
    assert set(reply.json()) == set(ASKED["response_fields"])
    fill_in = assistant.requests[0].fill_in
    assert isinstance(fill_in, FillIn)
    assert fill_in.prefix + fill_in.middle == "def add(a, b):\n    return "
    assert fill_in.extra == (ExtraFile("other.py", "x = 1\n"),)


def test_without_response_fields_all_is_told() -> None:
    body = {key: value for key, value in ASKED.items() if key != "response_fields"}
    with serving(ScriptedAssistant(say("a + b"), info=CODER)) as client:
        answer = client.post("/infill", json=body).json()
    assert (answer["stop_type"], answer["truncated"], answer["timings"]["predicted_n"]) == ("eos", False, 2)
    assert answer["generation_settings"]["n_ctx"] == INFO.n_ctx


def test_a_warm_up_inserts_nothing_and_answers_an_empty_object() -> None:
    body = {**ASKED, "input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0, "response_fields": [""]}
    assistant = ScriptedAssistant(say("x"), info=CODER)
    with serving(assistant) as client:
        reply = client.post("/infill", json=body)
    assert (reply.status_code, reply.json()) == (200, {})
    assert assistant.requests[0].max_tokens == 1


def test_pieces_are_streamed() -> None:
    with serving(ScriptedAssistant(say("a + b"), info=CODER)) as client:
        text = client.post("/infill", json={**ASKED, "stream": True}).text
    assert '"stop":true' in text
    assert text.startswith("data: {")


def test_missing_and_wrong_fields_are_400() -> None:
    with serving(ScriptedAssistant(info=CODER)) as client:
        for wrong in ({"input_prefix": None}, {"input_suffix": 1}, {"input_extra": [1]}, {"n_predict": "1"}):
            reply = client.post("/infill", json={**ASKED, **wrong})
            assert (reply.status_code, next(iter(wrong)) in reply.text) == (400, True)


def test_a_nul_character_is_no_text() -> None:
    with serving(ScriptedAssistant(info=CODER)) as client:
        for wrong in (
            {"input_prefix": "a\0"},
            {"input_suffix": "\0"},
            {"prompt": "\0"},
            {"input_extra": [{"text": "\0"}]},
        ):
            reply = client.post("/infill", json={**ASKED, **wrong})
            assert (reply.status_code, "NUL" in reply.text, next(iter(wrong)) in reply.text) == (400, True, True)


def test_of_a_line_of_millions_of_characters_the_model_gets_what_is_near_the_cursor() -> None:
    assistant = ScriptedAssistant(say("a + b"), say("x"), info=CODER)
    with serving(assistant) as client:
        for body in ({"prompt": "é" * 3_000_000}, {"input_prefix": "é" * 3_000_000, "prompt": ""}):
            assert client.post("/infill", json={**ASKED, **body}).json()["content"]
    assert all(len(request.fill_in.prefix) <= 4_000 for request in assistant.requests if request.fill_in)


def test_a_newer_request_cancels_the_older_of_the_same_client_but_a_warm_up_does_not() -> None:
    gate = Gate()
    assistant = ScriptedAssistant([Text("old"), gate, done()], say("new"), info=CODER)
    replies: list[int] = []
    with serving(assistant) as client:
        older = threading.Thread(target=lambda: replies.append(client.post("/infill", json=ASKED).status_code))
        older.start()
        assert gate.reached.wait(30)
        warm = threading.Thread(
            target=lambda: client.post("/infill", json={**ASKED, "n_predict": 0, "prompt": "warm"}), daemon=True
        )
        warm.start()
        wait_until(lambda: "\nspectra_requests_waiting 1\n" in client.get("/metrics").text)
        assert replies == []
        assert client.post("/infill", json={**ASKED, "prompt": "y = "}).json()["content"] == "new"
        older.join(30)
        warm.join(30)
    assert replies == [499]
    assert len(assistant.requests) == 2  # the warm-up was cancelled while it waited


def test_a_suffix_needs_a_model_with_fill_in_tokens() -> None:
    body = {"prompt": "a", "suffix": "b"}
    with serving(ScriptedAssistant()) as client:
        assert client.post("/v1/completions", json=body).status_code == 400
    with serving(ScriptedAssistant(say("x"), info=CODER)) as client:
        assert client.post("/v1/completions", json=body).json()["choices"][0]["text"] == "x"


def test_an_accepted_suggestion_is_seen_in_the_next_request_and_counted() -> None:
    with serving(ScriptedAssistant(say("a + b"), say("x"), info=CODER)) as client:
        client.post("/infill", json=ASKED)
        client.post("/infill", json={**ASKED, "prompt": "    return a + b  # "})
        metrics = client.get("/metrics").text
    assert 'spectra_suggestions_total{outcome="accepted"} 1\n' in metrics
    assert 'spectra_suggestions_total{outcome="offered"} 2\n' in metrics
    assert 'spectra_suggested_characters_total{outcome="accepted"} 5\n' in metrics
