"""A real model whose chat template refuses what programs send: over HTTP and in the app it answers, and says so once.

The templates refuse as Gemma's, Mistral's and Qwen 3.5's do, and trim what they write; their turns are those that the
model beneath knows.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fakes.chatting import ready, send
from fakes.http_server import serving
from fakes.pages import ChatPage

from spectra_local.protocol import EngineOptions
from spectra_local.worker import EngineProcess
from tui.app import ChatApp

pytestmark = pytest.mark.model

_TURNS = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] | trim + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
    "{% endif %}{% endfor %}"
)
_NO_LATE_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' and not loop.first %}"
    "{{ raise_exception('System message must be at the beginning.') }}{% endif %}{% endfor %}"
)
_ALTERNATING = (
    "{% set turns = messages[1:] if messages[0]['role'] == 'system' else messages %}"
    "{% for m in turns %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('After the optional system message, conversation roles must alternate') }}"
    "{% endif %}{% endfor %}"
)

SYSTEM = {"role": "system", "content": "Be brief."}
HELLO = {"role": "user", "content": "Hello."}
REFUSED = {
    "as Gemma's": (_NO_SYSTEM, [SYSTEM, HELLO]),
    "as Mistral's": (_ALTERNATING, [HELLO, HELLO]),
    "as Qwen 3.5's": (_NO_LATE_SYSTEM, [HELLO, SYSTEM, HELLO]),
}
NOTICE = "chat template does not take these messages as they are"


def with_template(model: Path, template: str, folder: Path) -> Path:
    """A copy of ``model`` with another chat template, as long as keeps its tensors aligned."""
    content = model.read_bytes()
    key = b"tokenizer.chat_template"
    at = content.index(key) + len(key) + 4  # behind the kind of value: a string has its length, then its bytes
    (length,) = struct.unpack_from("<Q", content, at)
    text = template.encode()
    text = b"{#" + b" " * ((length - len(text) - 4) % 32) + b"#}" + text
    path = folder / "refuses.gguf"
    path.write_bytes(content[:at] + struct.pack("<Q", len(text)) + text + content[at + 8 + length :])
    return path


@pytest.fixture(scope="module", params=REFUSED)
def refusing(
    request: pytest.FixtureRequest, smollm2_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, list[dict[str, str]]]]:
    """A model, and messages that its template refuses."""
    refusal, messages = REFUSED[request.param]
    path = with_template(smollm2_path, refusal + _TURNS, tmp_path_factory.mktemp("model"))
    yield path, messages
    path.unlink()


@pytest.fixture
def client(refusing: tuple[Path, list[dict[str, str]]]) -> Iterator[httpx.Client]:
    with closing(EngineProcess(refusing[0], EngineOptions(n_ctx=1024, history=False))) as engine:
        list(engine.load())
        with serving(engine) as client:
            yield client


def test_over_http_one_notice_comes_with_the_first_answer_alone(
    client: httpx.Client, refusing: tuple[Path, list[dict[str, str]]]
):
    asked = {"messages": refusing[1], "max_tokens": 4}
    reply = client.post("/v1/chat/completions", json=asked)
    assert reply.status_code == 200, reply.text
    (notice,) = reply.json()["notices"]
    assert NOTICE in notice
    streamed = client.post("/v1/chat/completions", json={**asked, "stream": True}).text
    pieces = [json.loads(line[6:]) for line in streamed.split("\n\n") if line.startswith("data: {")]
    assert [each["notices"] for each in pieces if "notices" in each] == [[notice]]
    answer = reply.json()["choices"][0]["message"]
    further = {**asked, "messages": [*refusing[1], answer, HELLO]}
    reply = client.post("/v1/chat/completions", json=further)
    assert reply.status_code == 200, reply.text
    assert "notices" not in reply.json()


async def test_in_the_app_one_notice_stands_above_the_first_answer_alone(smollm2_path: Path, tmp_path: Path):
    path = with_template(smollm2_path, _NO_SYSTEM + _TURNS, tmp_path)
    app = ChatApp(lambda: EngineProcess(path, EngineOptions(n_ctx=1024, history=False)))
    async with app.run_test(size=(120, 50)) as pilot:
        page = ChatPage(pilot)
        await ready(pilot)
        await send(pilot, "/set max_tokens 4")
        await send(pilot, "/system Be brief.")
        await page.ask("Hello.")
        ((notice,),) = page.transcript.notices_of_answers
        assert NOTICE in notice
        assert page.transcript.failures == 0
        await page.ask("And again?")
        assert [len(each) for each in page.transcript.notices_of_answers] == [1, 0]
