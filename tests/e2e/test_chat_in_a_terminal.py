"""The whole program with the real model in a pty: launch, ask, stop, quit, and every other way out."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.terminal import CHAT, LEAVES_ALTERNATE_SCREEN, Terminal
from fakes.waiting import wait_until

pytestmark = [pytest.mark.model, pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")]

READY = "●"
CAPITAL = "What is the capital of France? Answer in one sentence."


@pytest.fixture
def terminal(smollm2_path: Path) -> Iterator[Terminal]:
    terminal = Terminal([*CHAT, "--model", str(smollm2_path)])
    yield terminal
    terminal.close()


def ask(terminal: Terminal, question: str) -> None:
    terminal.wait_for(READY)
    terminal.type(f"{question}\r")
    terminal.wait_for(lambda text: f" {question}" in text and "Ask anything" in text)


def answering(text: str) -> bool:
    """At least a few words of an answer are there, and it goes on."""
    return "answering" in text and len(re.findall(r"\w+", text)) > 30


def worker_of(terminal: Terminal) -> int:
    return int(subprocess.check_output(["pgrep", "-P", str(terminal.child.pid)], text=True).split()[0])


def test_ask_read_an_answer_and_quit(terminal: Terminal):
    ask(terminal, CAPITAL)
    terminal.wait_for("Paris")
    text = terminal.wait_for(READY)
    assert "tok/s" in text
    terminal.type("\x11")  # ctrl+q
    assert terminal.exit_code() == 0
    assert LEAVES_ALTERNATE_SCREEN in terminal.received


def test_escape_stops_an_answer_keeps_it_and_another_can_be_asked(terminal: Terminal):
    ask(terminal, "Write a very long story about a fox.")
    terminal.wait_for(answering)
    terminal.type("\x1b")
    terminal.wait_for("Stopped.")
    ask(terminal, CAPITAL)
    terminal.wait_for("Paris")
    terminal.wait_for(READY)


def test_a_question_typed_before_the_model_is_loaded_is_answered(smollm2_path: Path):
    terminal = Terminal([*CHAT, "--model", str(smollm2_path)])
    terminal.wait_for("s p e c t r a")
    terminal.type(f"{CAPITAL}\r")
    terminal.wait_for("Paris")
    terminal.wait_for(READY)
    terminal.close()


def test_a_killed_worker_is_a_panel_and_its_answer_goes_on(terminal: Terminal):
    ask(terminal, "Write a very long story about a fox.")
    terminal.wait_for(answering)
    os.kill(worker_of(terminal), signal.SIGKILL)
    terminal.wait_for("Enter loads the model again and goes on")
    terminal.type("\r")
    terminal.wait_for(answering)
    terminal.type("\x1b")
    terminal.wait_for("Stopped.")
    ask(terminal, CAPITAL)
    terminal.wait_for("Paris")
    terminal.wait_for(READY)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=str,
)
def test_a_signal_during_an_answer_restores_the_screen_and_ends_both_processes(
    terminal: Terminal, number: signal.Signals, code: int
):
    ask(terminal, "Write a very long story about a fox.")
    terminal.wait_for(answering)
    worker = worker_of(terminal)
    terminal.signal(number)
    assert terminal.exit_code() == code
    assert LEAVES_ALTERNATE_SCREEN in terminal.received
    wait_until(lambda: not Path(f"/proc/{worker}").exists())


def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(smollm2_path: Path):
    shell = Terminal(["/bin/bash", "--norc", "-i"], PS1="PROMPT> ")
    shell.wait_for("PROMPT>")
    shell.type(" ".join([*CHAT, "--model", f"'{smollm2_path}'"]) + "\r")
    shell.wait_for(READY)
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.type("fg; echo code=$?\r")
    shell.wait_for(READY)
    ask(shell, CAPITAL)
    shell.wait_for("Paris")
    shell.wait_for(READY)
    shell.type("\x11")
    shell.wait_for("code=0")
    shell.close()


def test_a_tiny_terminal_without_colours_is_usable(smollm2_path: Path):
    terminal = Terminal([*CHAT, "-m", str(smollm2_path)], size=(40, 10), NO_COLOR="1", TEXTUAL_ANIMATIONS="none")
    terminal.wait_for(READY)
    terminal.type(f"{CAPITAL}\r")
    terminal.wait_for("Paris")
    terminal.type("\x11")
    assert terminal.exit_code() == 0
    assert not re.search(rb"\x1b\[(?:[0-9;]*;)?(?:38|48|3[0-7]|4[0-7]|9[0-7]|10[0-7])[;m]", terminal.received)


def test_an_unknown_model_is_one_line_and_exit_code_1():
    terminal = Terminal([*CHAT, "-m", "no-such-model"])
    assert terminal.exit_code() == 1
    text = terminal.look()
    assert "no-such-model" in text
    assert "Traceback" not in text
    assert LEAVES_ALTERNATE_SCREEN not in terminal.received


def test_without_a_terminal_it_says_so_and_exits_with_2():
    result = subprocess.run(
        CHAT, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "needs a terminal" in result.stderr
