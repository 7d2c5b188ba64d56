"""No command opens a connection but those it is asked for: each is run with a tracer in all of its processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from e2e.terminal import CHAT, ROOT, Terminal
from fakes.waiting import wait_until

from spectra_local.cli.main import root

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="connections are traced by Linux's LD_PRELOAD"),
]

SOURCE = Path(__file__).parent / "fakes" / "native" / "connects.c"
LOOPBACK = ("inet 127.", "inet ::1 ", "lookup 127.0.0.1", "lookup localhost", "lookup ::1")

# What is typed after each command; {model} is SmolLM2's file, {here} a folder with a text and an export in it. None:
# it has a test of its own below.
COMMANDS: dict[str, Sequence[str] | None] = {
    "ask": ("-m", "{model}", "-n", "4", "hi"),
    "complete": ("-m", "{model}", "-n", "4", "{here}/text.py"),
    "edit": ("-m", "{model}", "{here}/text.py", "double it"),
    "models add": ("{model}",),
    "models default": (),
    "models list": (),
    "models path": (),
    "models pull": None,
    "models remove": ("no-such-model",),
    "doctor": ("-m", "{model}"),
    "bench": ("-m", "{model}", "--per-task", "1", "-n", "4"),
    "serve": None,
    "lsp": ("-m", "{model}"),
    "history stats": (),
    "history path": (),
    "history export": ("{here}/out.spectra", "--yes"),
    "history import": ("-m", "{model}", "{here}/text.py"),
    "history layers": (),
    "history conversations": (),
    "history remove": ("no-such-layer",),
    "history forget": ("--all", "--yes"),
    "history verify": (),
    "corpus add": ("-m", "{model}", "{here}/text.py"),
    "corpus list": (),
    "corpus refresh": (),
    "corpus remove": ("no-such-corpus",),
    "completion": ("bash",),
}


def leaves(command: click.Command, path: str = "") -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        if below := command.get_command(context, name):
            yield from leaves(below, f"{path} {name}".strip())


@pytest.fixture(scope="session")
def tracer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that notes what is connected to."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("native") / "connects.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


class Traced:
    """Programs of one home, and the connections that they and their children made."""

    def __init__(self, tracer: Path, folder: Path) -> None:
        self._notes = folder / "connections"
        self.env = {"LD_PRELOAD": str(tracer), "CONNECTS": str(self._notes), "HOME": str(folder / "user")}

    @property
    def connections(self) -> list[str]:
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CHAT, *arguments], env={**os.environ, **self.env}, cwd=ROOT, capture_output=True, text=True,
            timeout=240, stdin=subprocess.DEVNULL, **options,
        )  # fmt: skip

    def beyond_the_program(self) -> list[str]:
        """Those that are no socket of its own in its home."""
        own = f"unix {os.environ['SPECTRA_HOME']}/"
        return [line for line in self.connections if not line.startswith(own)]


@pytest.fixture
def traced(tracer: Path, tmp_path: Path) -> Traced:
    (tmp_path / "text.py").write_text("def area(side):\n    return side * side\n")
    return Traced(tracer, tmp_path)


def test_no_command_is_left_out() -> None:
    assert set(leaves(root)) == set(COMMANDS)


@pytest.mark.parametrize("command", [name for name, given in COMMANDS.items() if given is not None])
def test_a_command_connects_to_nothing(command: str, traced: Traced, smollm2_path: Path, tmp_path: Path) -> None:
    given = COMMANDS[command]
    assert given is not None
    arguments = [word.format(model=smollm2_path, here=tmp_path) for word in given]
    done = traced.run(*command.split(), *arguments)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert traced.beyond_the_program() == []


def test_a_pull_that_is_asked_for_connects_so_the_tracer_sees(traced: Traced) -> None:
    offline = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
    }
    traced.env.update(offline, PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull)
    assert traced.run("models", "pull", "smollm2-135m-instruct", "--accept-licence").returncode == 1
    assert traced.beyond_the_program()


def test_a_question_without_a_model_fetches_none_unasked(traced: Traced) -> None:
    assert traced.run("ask", "hi").returncode == 1
    assert traced.beyond_the_program() == []


def test_a_chat_connects_to_nothing(traced: Traced, smollm2_path: Path) -> None:
    terminal = Terminal([*CHAT, "-m", str(smollm2_path)], **traced.env)
    try:
        terminal.wait_for("Ask anything")
        terminal.type("Name a river.\r")
        terminal.wait_for(lambda text: "tok/s" in text)
        terminal.type("/quit\r")
        wait_until(lambda: not terminal.child.isalive())
    finally:
        terminal.child.close(force=True)
    assert traced.beyond_the_program() == []


def test_a_server_answers_and_connects_to_nothing(traced: Traced, smollm2_path: Path) -> None:
    process = subprocess.Popen(
        [*CHAT, "serve", "-m", str(smollm2_path), "--port", "0"], env={**os.environ, **traced.env}, cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr
        address = next(word for line in process.stderr for word in line.split() if word.startswith("http://"))
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
        reply = httpx.post(f"{address.rstrip('/.,')}/v1/chat/completions", json=body, timeout=120)
        assert reply.status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert [line for line in traced.beyond_the_program() if not line.startswith(LOOPBACK)] == []
