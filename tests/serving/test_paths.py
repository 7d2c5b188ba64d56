"""Paths as people write them, and what the server says of itself."""

import dataclasses
from pathlib import Path

import httpx
import pytest
from fakes.http_server import serving
from fakes.scripted import INFO, ScriptedAssistant, say

from spectra_local.serving.access import Access
from spectra_local.serving.metrics import Metrics
from spectra_local.serving.paths import canonical

HELLO = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/v1", "/"),
        ("/v1/", "/"),
        ("/v1/models", "/models"),
        ("/models/", "/models"),
        ("//v1///models//", "/models"),
        ("/v1/v1/chat/completions", "/chat/completions"),
        ("/v1beta/models", "/v1beta/models"),
        ("/models/v1/x", "/models/v1/x"),
    ],
)
def test_one_path_for_every_way_to_write_it(written: str, meant: str) -> None:
    assert canonical(written) == meant
    assert canonical(canonical(written)) == meant


def test_every_endpoint_is_found_however_its_path_is_joined() -> None:
    with serving(ScriptedAssistant(say("Hello."))) as client:

        def ask(method: str, path: str, **asked: object) -> int:
            url = client.base_url.copy_with(raw_path=path.encode())  # httpx would mend some of these
            return client.send(client.build_request(method, url, **asked)).status_code  # type: ignore[arg-type]

        for path in (
            "/v1/chat/completions/",
            "/chat/completions",
            "//v1//chat//completions",
            "/v1/v1/chat/completions",
        ):
            assert ask("POST", path, json=HELLO) == 200, path
        for path in ("/completions", "/v1//completions/"):
            assert ask("POST", path, json={"prompt": "Once"}) == 200, path
        for path in ("/v1/health", "/health/", "/models//", "/v1/metrics", "/v1", "//", "/props/", "/v1/props"):
            assert ask("GET", path) == 200, path
        assert ask("GET", "/v1/chat/completions") == 405
        assert ask("GET", "/v2/models") == 404
        assert ask("HEAD", "/health") == 200
        assert 'endpoint="/v1/chat/completions",status="200"} 4' in client.get("/metrics").text


def test_the_root_says_what_this_is() -> None:
    with serving(ScriptedAssistant(), Access(token="s3cret")) as client:
        reply = client.get("/")
    assert reply.status_code == 200
    assert "spectra-chat" in reply.text
    assert "/v1/chat/completions" in reply.text
    assert INFO.path not in reply.text


def test_one_model_by_its_name_and_no_other() -> None:
    with serving(ScriptedAssistant()) as client:
        listed = client.get("/v1/models").json()["data"][0]
        assert client.get(f"/v1/models/{listed['id']}").json() == listed
        assert client.get(f"/models/{listed['id'].upper()}/").json() == listed
        for name in ("gpt-4o", "some/other", "x" * 5000):
            reply = client.get(f"/v1/models/{name}")
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


def test_props_have_llama_servers_names(smollm2_path: Path) -> None:
    info = dataclasses.replace(INFO, path=str(smollm2_path))
    with serving(ScriptedAssistant(info=info)) as client:
        props = client.get("/props").json()
    settings = props["default_generation_settings"]
    assert (settings["n_ctx"], settings["params"]["temperature"], settings["params"]["n_predict"]) == (8192, 0, 256)
    assert settings["params"]["seed"] == 0xFFFFFFFF
    assert (props["total_slots"], props["model_path"]) == (1, info.path)
    assert "im_start" in props["chat_template"]
    assert props["eos_token"]


def test_props_of_a_model_whose_file_is_gone() -> None:
    with serving(ScriptedAssistant()) as client:
        reply = client.get("/props")
    assert (reply.status_code, reply.json()["chat_template"]) == (200, "")


def test_a_defect_where_nothing_is_posted_has_the_shape_of_all_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Metrics, "exposition", lambda *_, **__: 1 / 0)
    with serving(ScriptedAssistant()) as client:
        reply = client.get("/metrics")
    assert (reply.status_code, reply.json()["error"]["type"]) == (500, "server_error")
    assert "division" not in reply.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer s3cret"},
        {"Authorization": "bearer s3cret"},
        {"Authorization": "BEARER   s3cret"},
        {"X-Api-Key": "s3cret"},
        {"x-api-key": "s3cret", "Authorization": "Bearer other"},
    ],
)
def test_a_token_as_clients_send_it(headers: dict[str, str]) -> None:
    with serving(ScriptedAssistant(), Access(token="s3cret")) as client:
        assert client.get("/v1//models/", headers=headers).status_code == 200
        assert client.get("/v1/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Api-Key": "s3cre"},
        {"X-Api-Key": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic s3cret"},
        {"Authorization": "Bearer s3crèt".encode("latin-1")},
    ],
)
def test_a_missing_or_wrong_token_is_401_whatever_the_path_looks_like(headers: dict[str, str]) -> None:
    with serving(ScriptedAssistant(), Access(token="s3cret")) as client:
        for path in ("/v1/models", "//models", "/props", "/v1/nothing", "/health/../models"):
            url = client.base_url.copy_with(raw_path=path.encode())
            reply = client.send(httpx.Request("GET", url, headers={"Host": "localhost", **headers}))
            assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key"), path
