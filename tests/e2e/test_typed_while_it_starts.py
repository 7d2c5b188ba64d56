"""Keys typed from the moment of exec on, through a real terminal: none is lost, and none becomes another."""

import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.terminal import CHAT, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")

LETTERS = "abcdefghijklmnopqrstuvwxyzäöüß0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EVERY_S = 0.01
FRAME = "╰"  # of the box, or of the file: keys arrive


@pytest.fixture
def home(spectra_home: Path) -> Path:
    """With a model that is nowhere: it is looked for once the first frame is out, and nobody waits for it."""
    spectra_home.joinpath("config").mkdir(parents=True, exist_ok=True)
    (spectra_home / "config" / "settings.toml").write_text('model = "/nowhere/model.gguf"\n')
    return spectra_home


@pytest.fixture
def started() -> Iterator[list[Terminal]]:
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.close()


def typed_until_it_is_there(terminal: Terminal, keys: str = LETTERS) -> str:
    """Types a key every few milliseconds until the first frame, and returns what was typed."""
    typed = ""
    for key in keys:
        terminal.type(key)
        typed += key
        if FRAME in terminal.look():
            break
        time.sleep(EVERY_S)  # a hand
    return typed


@pytest.mark.parametrize("what", ["chat", "file"])
def test_no_key_is_lost(what: str, home: Path, tmp_path: Path, started: list[Terminal]):
    file = tmp_path / "notes.txt"
    command = [*CHAT] if what == "chat" else [*CHAT, "edit", str(file)]
    terminal = Terminal(command, size=(100, 30), cwd=tmp_path, SPECTRA_HOME=str(home))
    started.append(terminal)
    typed = typed_until_it_is_there(terminal)
    terminal.wait_for(lambda text: f" {typed}" in text and FRAME in text)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5])
def test_what_comes_at_once_acts_as_ever(delay: float, home: Path, tmp_path: Path, started: list[Terminal]):
    terminal = Terminal(CHAT, size=(100, 30), cwd=tmp_path, SPECTRA_HOME=str(home))
    started.append(terminal)
    time.sleep(delay)
    terminal.type("ac\x1b[Db\x1b[200~ two\rlines\x1b[201~\x1b[F!\x7f?")  # an arrow, a paste, end, backspace
    terminal.wait_for(lambda text: " ab two" in text and " linesc?" in text)


def test_enter_sends_however_early(home: Path, tmp_path: Path, started: list[Terminal]):
    terminal = Terminal(CHAT, size=(100, 30), cwd=tmp_path, SPECTRA_HOME=str(home))
    started.append(terminal)
    terminal.type("/help\r")
    terminal.wait_for("Keys and commands")
    assert "/help" not in terminal.look().splitlines()[0], "nothing was echoed into the screen"


def test_the_terminal_is_as_it_was_afterwards(home: Path, tmp_path: Path, started: list[Terminal]):
    shell = Terminal(["/bin/sh", "-i"], size=(100, 30), cwd=tmp_path, SPECTRA_HOME=str(home), PS1="PROMPT> ")
    started.append(shell)
    shell.wait_for("PROMPT>")
    before = termios.tcgetattr(shell.child.fileno())
    for ending in ("\x11", "/quit\r"):
        shell.type(" ".join(CHAT) + "; echo code=$?\r")
        shell.wait_for(FRAME)
        shell.type(ending)
        shell.wait_for("code=0")
        assert termios.tcgetattr(shell.child.fileno())[:4] == before[:4]
        shell.type("clear\r")
        shell.wait_for(lambda text: "code=" not in text)
    shell.type(" ".join([*CHAT, "-m", "no-such-model"]) + "; echo code=$?\r")
    shell.wait_for("code=1")
    assert termios.tcgetattr(shell.child.fileno())[:4] == before[:4]
