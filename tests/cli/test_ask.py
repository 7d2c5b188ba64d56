"""What `ask` reads, prints and returns, on a scripted engine; and the whole of it on the real model, as a process."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.scripted import Script, ScriptedAssistant, done, say

from spectra_local.cli import ask as ask_module
from spectra_local.cli.main import run
from spectra_local.errors import ContextFullError
from spectra_local.protocol import LONGEST_ANSWER, Done, Message, Notice, Text, Timings

HOSTILE = "\x1b]52;c;cm0=\x07\x1b[2J\u202eevil\x9b31m"

Ask = Callable[..., tuple[int, str, str, ScriptedAssistant]]


class Stdin(io.TextIOWrapper):
    """Bytes on a pipe."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Ask]:
    def ask(
        *arguments: str, stdin: bytes = b"", script: Script | None = None
    ) -> tuple[int, str, str, ScriptedAssistant]:
        engine = ScriptedAssistant(script or say("Hello there."))
        monkeypatch.setattr(ask_module, "open_engine", lambda model, options: engine)
        monkeypatch.setattr(sys, "stdin", Stdin(stdin))
        with pytest.raises(SystemExit) as ended:
            run(None, ["ask", *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err, engine

    yield ask


def test_the_answer_is_all_of_stdout(ask: Ask) -> None:
    code, out, err, _ = ask("hi")
    assert (code, out, err) == (0, "Hello there.\n", "")


def test_stdin_is_appended_to_the_argument(ask: Ask) -> None:
    _, _, _, engine = ask("Explain:", stdin=b"x = 1\n")
    assert engine.requests[0].messages == (Message("user", "Explain:\n\nx = 1"),)


def test_stdin_alone_is_a_prompt(ask: Ask) -> None:
    _, _, _, engine = ask(stdin="naïve\n".encode())
    assert engine.requests[0].messages == (Message("user", "naïve"),)


def test_options_reach_the_engine(ask: Ask) -> None:
    _, _, _, engine = ask(
        "hi", "-n", "7", "--temperature", "0.5", "--seed", "3", "--plain", "-s", "Be brief.", "--stop", "X"
    )
    request = engine.requests[0]
    assert request.messages == (Message("system", "Be brief."), Message("user", "hi"))
    assert (request.max_tokens, request.sampling.temperature, request.sampling.seed) == (7, 0.5, 3)
    assert request.stop == ("X",)
    assert not request.speculate


def test_a_loop_is_ended_unless_the_length_was_given_or_the_text_is_raw(ask: Ask) -> None:
    ended = [ask("hi", *options)[3].requests[0].end_loops for options in ((), ("-n", "7"), ("--raw",))]
    assert ended == [True, False, False]


@pytest.mark.parametrize(
    ("options", "most"),
    [((), LONGEST_ANSWER), (("-n", "7"), 7), (("-n", "-1"), None), (("--raw",), None), (("--raw", "-n", "7"), 7)],
)
def test_an_answer_without_end_is_ended(ask: Ask, options: tuple[str, ...], most: int | None) -> None:
    assert ask("hi", *options)[3].requests[0].max_tokens == most


def test_what_was_ended_for_its_length_is_said_with_the_way_on(ask: Ask) -> None:
    ended = Done("length", Timings(predicted_n=LONGEST_ANSWER), n_past=100, n_ctx=8192)
    _, out, err, _ = ask("count", script=[Text("1, 2, 3"), ended])
    assert out == "1, 2, 3\n"
    assert "ended after 4096 tokens; --max-tokens N allows more" in err
    assert "--max-tokens" not in ask("count", "-n", "3", script=[Text("1"), ended])[2]


def test_raw_continues_the_prompt(ask: Ask) -> None:
    _, _, _, engine = ask("--raw", "1, 2,")
    assert engine.requests[0].prompt == "1, 2,"


def test_json_is_one_object_under_llama_cpps_names(ask: Ask) -> None:
    code, out, _, _ = ask("--json", "hi", script=[Text(HOSTILE), done(prompt_n=3, predicted_n=1, predicted_ms=10.0)])
    answer = json.loads(out)
    assert code == 0
    assert answer["content"] == HOSTILE
    assert "\x1b" not in out
    assert answer["finish_reason"] == "stop"
    assert {"prompt_n", "prompt_ms", "predicted_n", "predicted_ms", "draft_n", "draft_n_accepted"} <= set(
        answer["timings"]
    )


def test_control_characters_of_a_model_are_shown_and_not_obeyed(ask: Ask) -> None:
    _, out, _, _ = ask("hi", script=[Text(HOSTILE), done()])
    assert not set(out) & {"\x1b", "\x07", "\u202e", "\x9b"}
    assert "evil" in out


def test_stats_go_to_stderr(ask: Ask) -> None:
    _, out, err, _ = ask("--stats", "hi")
    assert out == "Hello there.\n"
    assert "t/s" in err


def test_notices_go_to_stderr(ask: Ask) -> None:
    _, out, err, _ = ask("hi", script=[Notice("2 messages left out"), Text("Yes."), done()])
    assert out == "Yes.\n"
    assert "left out" in err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        ([], b"", 2, "empty"),
        ([" "], b" \n", 2, "empty"),
        ([], b"x\0", 1, "zero bytes"),
        (["hi", "--raw", "-s", "x"], b"", 2, "--raw"),
        (["hi", "--temperature", "x"], b"", 2, "temperature"),
        (["hi", "--nonsense"], b"", 2, "nonsense"),
        (["hi", "-n", "-2"], b"", 2, "-2"),
    ],
)
def test_bad_input_is_one_line_and_the_right_code(
    ask: Ask, arguments: list[str], stdin: bytes, code: int, words: str
) -> None:
    returned, out, err, _ = ask(*arguments, stdin=stdin)
    assert (returned, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_an_engines_error_is_one_line_and_the_engine_is_closed(ask: Ask) -> None:
    code, _, err, engine = ask("hi", script=[ContextFullError("9000 tokens,\x1b the context holds 8192")])
    assert code == 1
    assert err == "spectra-chat: 9000 tokens,\u241b the context holds 8192\n"
    assert engine.closed


def test_a_defect_is_one_line_too(ask: Ask, spectra_home: Path) -> None:
    code, _, err, _ = ask("hi", script=[ZeroDivisionError("ours")])
    assert code == 1
    assert err.count("\n") == 1
    assert "internal error" in err


def process(*arguments: str, **kwargs: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "ask", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kwargs,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.model
def test_an_output_that_is_full_is_one_line(smollm2_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "tui", "ask", "-m", str(smollm2_path), "-n", "3", "hi"],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert b"No space left on device" in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert b"internal" not in ended.stderr


@pytest.mark.model
def test_ctrl_c_keeps_what_was_printed_and_exits_130(smollm2_path: Path) -> None:
    with process("-m", str(smollm2_path), "Tell a very long story about a cat.", start_new_session=True) as asking:
        assert asking.stdout
        first = os.read(asking.stdout.fileno(), 1)
        asking.send_signal(signal.SIGINT)
        rest, err = asking.communicate(timeout=60)
    assert asking.returncode == 130
    assert (first + rest).endswith(b"\n")
    assert b"Traceback" not in err


@pytest.mark.model
def test_a_reader_that_closes_the_pipe_gets_no_traceback(smollm2_path: Path) -> None:
    with process("-m", str(smollm2_path), "Tell a very long story about a cat.") as asking:
        assert asking.stdout
        assert asking.stderr
        os.read(asking.stdout.fileno(), 1)
        asking.stdout.close()
        err = asking.stderr.read()
    assert asking.returncode != 0
    assert b"Traceback" not in err
    assert b"Exception" not in err
