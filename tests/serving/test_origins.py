"""Web pages and extensions: refused unless named."""

import pytest
from click.testing import CliRunner
from fakes.http_server import serving
from fakes.scripted import ScriptedAssistant, say

from spectra_local.cli.main import root
from spectra_local.errors import UsageError
from spectra_local.serving.access import Access
from spectra_local.serving.origins import Origins

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hi"}]}
PAGE = "http://localhost:3000"
EXTENSION = "chrome-extension://abcdefghijklmnop"


def asks_first(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
    }


@pytest.mark.parametrize("origin", [PAGE, EXTENSION, "null", "https://evil.example"])
def test_closed_by_default_and_the_refusal_names_the_option(origin: str) -> None:
    with serving(ScriptedAssistant()) as client:
        reply = client.options(CHAT, headers=asks_first(origin))
        assert (reply.status_code, reply.json()["error"]["type"]) == (403, "permission_error")
        assert f"--origin {origin}" in reply.json()["error"]["message"]
        assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origin", [PAGE, EXTENSION])
def test_a_named_origin_may_ask_and_read_errors_too(origin: str) -> None:
    access = Access("s3cret", origins=Origins([PAGE + "/", EXTENSION]))
    with serving(ScriptedAssistant(say("Hello.")), access) as client:
        first = client.options(CHAT, headers=asks_first(origin))
        assert first.status_code == 204
        assert first.headers["Access-Control-Allow-Headers"] == asks_first(origin)["Access-Control-Request-Headers"]
        assert "POST" in first.headers["Access-Control-Allow-Methods"]
        allowed = {"Origin": origin, "X-Api-Key": "s3cret"}
        replies = [
            first,
            client.post(CHAT, json=HELLO, headers=allowed),
            client.post(CHAT, json={**HELLO, "stream": True}, headers=allowed),
            client.post(CHAT, json={}, headers=allowed),
            client.get("/nothing", headers=allowed),
            client.get("/v1/models", headers={"Origin": origin}),  # no token
        ]
        assert [reply.status_code for reply in replies] == [204, 200, 200, 400, 404, 401]
        for reply in replies:
            assert reply.headers.get_list("Access-Control-Allow-Origin") == [origin]
            assert "Origin" in reply.headers["Vary"]


def test_others_stay_refused_and_any_lets_all() -> None:
    with serving(ScriptedAssistant(), Access(origins=Origins([PAGE]))) as client:
        for other in ("http://localhost:3001", "https://localhost:3000", "http://localhost:3000.evil.example"):
            assert client.options(CHAT, headers=asks_first(other)).status_code == 403
        assert client.get("/health", headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.get("/health", headers={"Origin": PAGE, "Host": "evil.example"}).status_code == 403
    with serving(ScriptedAssistant(), Access(origins=Origins(["*"]))) as client:
        reply = client.options(
            CHAT, headers={**asks_first(EXTENSION), "Access-Control-Request-Private-Network": "true"}
        )
        assert reply.headers["Access-Control-Allow-Origin"] == EXTENSION
        assert reply.headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://[", "://", "", "\xbd", "http://\u2100".encode(), "[]", "http://]"]
)
def test_a_malformed_origin_is_refused_and_no_defect(origin: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    with serving(ScriptedAssistant()) as client:
        raw = origin if isinstance(origin, bytes) else origin.encode("latin-1")
        assert client.get("/health", headers={b"Origin": raw}).status_code == 403  # type: ignore[dict-item]
    assert not caplog.records


@pytest.mark.parametrize("value", ["localhost", "localhost:3000", "http://", "http://a/b", "http://[", ""])
def test_an_option_that_is_no_origin_is_named(value: str) -> None:
    with pytest.raises(UsageError, match="is no origin"):
        Origins([value])
    result = CliRunner().invoke(root, ["serve", "--origin", value])
    assert "is no origin" in str(result.exception)
