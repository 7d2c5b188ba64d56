"""From nothing on the disk to an exported chat, in a pty with the real model, as somebody who has just installed it."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.terminal import CHAT, LEAVES_ALTERNATE_SCREEN, Terminal
from fakes.hub import FakeHub

pytestmark = [pytest.mark.model, pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")]

READY = "●"
CAPITAL = "What is the capital of France? Answer in one sentence."
ESC, ENTER, CTRL_N, CTRL_Q, CTRL_S, DOWN = "\x1b", "\r", "\x0e", "\x11", "\x13", "\x1b[B"
CRASH = """
import tui.screens.chat
def crash(self): raise RuntimeError("a defect")
tui.screens.chat.ChatScreen.copy_answer = crash
from tui.__main__ import main
main()
"""


@pytest.fixture
def hub(smollm2_path: Path) -> Iterator[FakeHub]:
    with FakeHub(smollm2_path.read_bytes()) as hub:
        yield hub


def answering(text: str) -> bool:
    """At least a few words of an answer are there, and it goes on."""
    return "answering" in text and len(re.findall(r"\w+", text)) > 25


def send(terminal: Terminal, text: str) -> None:
    """Types it and, once all of it is in the box, sends it."""
    terminal.type(text)
    terminal.wait_for(lambda screen: text.split()[-1] in screen)
    terminal.type(ENTER)


def test_fetch_ask_stop_search_export_and_leave(hub: FakeHub, tmp_path: Path):
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    terminal = Terminal(
        CHAT, cwd=work, HOME=str(home), SPECTRA_HOME=str(home / "spectra"), HF_HOME=str(home / "hf"),
        HF_ENDPOINT=hub.url, XDG_CACHE_HOME=str(home / "cache"), TEXTUAL_ANIMATIONS="none",
    )  # fmt: skip
    text = terminal.wait_for("A model to talk to")
    assert "98 MB" in text
    assert "Apache" in text
    assert not hub.requests, "nothing is fetched before the user says so"
    terminal.type(DOWN + DOWN)  # the last: small and quick
    terminal.wait_for("QuantFactory/SmolLM2")
    terminal.type(ENTER)
    terminal.wait_for(READY)

    send(terminal, CAPITAL)
    terminal.wait_for("Paris")
    terminal.wait_for(READY)

    send(terminal, "Write a very long story about a fox.")
    terminal.wait_for(answering)
    terminal.resize(60, 20)  # while words come
    terminal.wait_for(lambda text: answering(text) and max(map(len, text.split("\n"))) <= 60)
    terminal.type(ESC)
    terminal.wait_for("Stopped.")
    terminal.resize(100, 30)
    terminal.wait_for(lambda text: "Stopped." in text and " 0 of" not in text)

    terminal.type(CTRL_N)
    terminal.wait_for("s p e c t r a")
    send(terminal, "/search Paris")
    terminal.wait_for("Chats")
    terminal.wait_for(lambda text: "Paris" in text.partition("Chats")[2].partition("\n")[2])
    terminal.type(ENTER)
    terminal.wait_for(lambda text: "capital of France" in text and "Ask anything" in text)

    send(terminal, "/export")
    terminal.wait_for("Written to")
    (exported,) = work.glob("*.md")
    assert CAPITAL in exported.read_text("utf-8")
    assert "Paris" in exported.read_text("utf-8")

    send(terminal, "/incognito")
    terminal.wait_for("nothing is saved")
    send(terminal, "Say the word xylophone.")
    terminal.wait_for("xylophone")
    terminal.wait_for(READY)
    terminal.type(CTRL_Q)
    assert terminal.exit_code() == 0
    assert LEAVES_ALTERNATE_SCREEN in terminal.received
    for database in (home / "spectra").rglob("*.sqlite"):
        with sqlite3.connect(database) as connection:
            assert "xylophone" not in "\n".join(connection.iterdump())
    terminal.close()


def test_a_defect_of_ours_restores_the_screen_and_is_one_line_without_what_was_written(smollm2_path: Path):
    terminal = Terminal([sys.executable, "-c", CRASH, "-m", str(smollm2_path)])
    terminal.wait_for(READY)
    send(terminal, "My secret is 1234.")
    terminal.wait_for("1234")
    received = len(terminal.received)
    terminal.type("\x19")  # ctrl+y
    assert terminal.exit_code() == 1
    assert LEAVES_ALTERNATE_SCREEN in terminal.received
    left = bytes(terminal.received[received:]).rpartition(LEAVES_ALTERNATE_SCREEN)[2].decode()
    assert "internal error: RuntimeError('a defect')" in left
    assert "Traceback" not in left
    assert "1234" not in left
    terminal.close()


def test_a_terminal_of_16_colours_gets_no_others(smollm2_path: Path):
    terminal = Terminal([*CHAT, "-m", str(smollm2_path)], TERM="xterm", COLORTERM="", TEXTUAL_ANIMATIONS="none")
    terminal.wait_for(READY)
    send(terminal, CAPITAL)
    terminal.wait_for("Paris")
    terminal.wait_for(READY)
    terminal.type(CTRL_Q)
    assert terminal.exit_code() == 0
    assert not re.search(rb"[\x1b;\[][34]8;[25];", bytes(terminal.received))
    assert re.search(rb"\x1b\[[0-9;]*(3[0-7]|9[0-7])", bytes(terminal.received))
    terminal.close()


def test_a_file_is_edited_with_a_suggestion_and_saved(smollm2_path: Path, tmp_path: Path):
    path = tmp_path / "greet.py"
    path.write_text("def greet(name):\n    return\n")
    terminal = Terminal([sys.executable, "-m", "tui", "edit", "greet.py", "-m", str(smollm2_path)], cwd=tmp_path)
    terminal.wait_for(lambda text: "greet.py" in text and READY in text)
    terminal.type("\x1b[1;5F")  # ctrl+end
    terminal.type("print(1)")
    terminal.wait_for("greet.py •")
    terminal.type("\x00")  # ctrl+space
    terminal.wait_for(lambda text: "tok/s" in text or "nothing here" in text)
    terminal.type(ESC)
    terminal.type(CTRL_S)
    terminal.wait_for("Saved.")
    assert path.read_text().startswith("def greet(name):\n    return\nprint(1)")
    terminal.type(CTRL_Q)
    assert terminal.exit_code() == 0
    terminal.close()
