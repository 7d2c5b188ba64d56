"""A model is chosen at a terminal, with the arrows or by number; elsewhere only --yes fetches."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.terminal import CHAT, ROOT, Terminal
from fakes.gguf import gguf_bytes, write_gguf
from fakes.hub import FakeHub

from spectra_local.catalogue.offers import Choice, offers
from spectra_local.cli.choice import menu
from spectra_local.cli.late_engine import LateEngine
from spectra_local.cli.opening import model_path
from spectra_local.cli.options import WantedModel
from spectra_local.errors import ModelNotFoundError
from spectra_local.protocol import EngineOptions
from spectra_local.settings import load_settings

BEST, SMALL, TINY = (choice.name for choice in offers(None))
UP, DOWN, ENTER, ESC, CTRL_C, CTRL_D = "\x1b[A", "\x1b[B", "\r", "\x1b", "\x03", "\x04"
# Chooses as every command does, and fetches nothing: what was chosen is printed.
CHOOSE = """
import sys
from pathlib import Path
import spectra_local.cli.fetching as fetching
import spectra_local.catalogue.default as default
fetching.fetch = lambda entry: Path("fetched", entry.name)
default.available_bytes = lambda: None
from spectra_local.cli.opening import model_path
from spectra_local.cli.options import WantedModel
from spectra_local.cli.outcome import outcome
sys.exit(outcome(lambda: print(f"chosen:{model_path(WantedModel(*sys.argv[1:]))}")))
"""
EMPTY_HOME = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; no variable points elsewhere; memory enough."""
    for name in EMPTY_HOME:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("spectra_local.catalogue.default.available_bytes", lambda: None)
    return tmp_path


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-c", CHOOSE])
    yield terminal
    terminal.close()


def marked(text: str) -> str:
    """The name that the arrow stands at; "" where there is none."""
    return next((line.split()[2] for line in text.splitlines() if line.startswith("> ")), "")


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ([ENTER], BEST),
        ([DOWN, ENTER], SMALL),
        ([DOWN, DOWN, ENTER], TINY),
        ([DOWN, DOWN, DOWN, ENTER], BEST),
        ([UP, ENTER], TINY),
        (["\x1bOB", "\x1bOA", "j", "\n"], SMALL),
        (["3", ENTER], TINY),
        (["9", "x", "\xff\x80é", "\x1b[200~", "0", ENTER], BEST),
        (["\x1b", "[B", ENTER], SMALL),
    ],
)
def test_the_arrows_and_digits_choose_and_enter_takes_it(terminal: Terminal, keys: list[str], name: str):
    text = terminal.wait_for("esc leaves")
    assert marked(text) == BEST
    assert "times at 50 Mbit/s" in text
    assert "98 MB   16 s  Apache License 2.0" in text
    assert "tiny, to try the program, not to believe" in text
    for key in keys:
        terminal.type(key)
    terminal.wait_for("chosen:")
    assert f"chosen:fetched/{name}" in terminal.look()
    assert terminal.exit_code() == 0
    assert "esc leaves" not in terminal.look(), "the menu is gone once something is chosen"


@pytest.mark.parametrize("key", [ESC, "q", CTRL_C, CTRL_D])
def test_leaving_fetches_nothing_and_exits_130(terminal: Terminal, key: str):
    terminal.wait_for("esc leaves")
    terminal.type(key)
    assert terminal.exit_code() == 130
    assert "chosen:" not in terminal.look()
    assert "Traceback" not in terminal.look()


def test_a_terminal_that_hangs_up_leaves_too(terminal: Terminal):
    terminal.wait_for("esc leaves")
    terminal.close()
    assert not terminal.child.isalive()


@pytest.mark.parametrize(("answer", "words"), [("2", f"chosen:fetched/{SMALL}"), ("", f"chosen:fetched/{BEST}")])
def test_a_dumb_terminal_asks_for_a_number(answer: str, words: str):
    terminal = Terminal([sys.executable, "-c", CHOOSE], TERM="dumb")
    terminal.wait_for("Number (enter: 1")
    terminal.type("7\r")
    terminal.wait_for(lambda text: text.count("Number (enter: 1") == 2)
    terminal.type(f"{answer}\r")
    terminal.wait_for(words)
    assert terminal.exit_code() == 0
    assert b"\x1b" not in terminal.received
    terminal.close()


def test_a_dumb_terminal_can_be_left():
    for end in ("q\r", CTRL_D, CTRL_C):
        terminal = Terminal([sys.executable, "-c", CHOOSE], TERM="dumb")
        terminal.wait_for("Number (enter: 1")
        terminal.type(end)
        assert terminal.exit_code() == 130
        terminal.close()


@pytest.mark.parametrize("size", [(20, 24), (20, 5), (8, 3), (200, 60)])
def test_any_size_of_terminal_shows_what_is_marked(size: tuple[int, int]):
    terminal = Terminal([sys.executable, "-c", CHOOSE], size=size, NO_COLOR="1", LANG="C", PYTHONIOENCODING="latin-1")
    terminal.wait_for("> 1")
    terminal.type(DOWN)
    terminal.wait_for(lambda text: "> 2" in text and "> 1" not in text)
    terminal.type(ENTER)
    assert terminal.exit_code() == 0
    assert b"\x1b[3" not in terminal.received, "no colours"
    terminal.close()


def test_no_line_of_the_menu_is_wider_than_the_terminal_and_it_is_lower():
    theirs = Choice("\x1b[31mтест-" + "x" * 100, None, "on this disk (\x07)", path=Path("/x"))
    for columns in (9, 20, 40, 66, 67, 80, 200):
        for rows in (3, 6, 10, 24):
            for n in range(4):
                lines = menu("Which model shall answer?", [theirs, *offers(None)], n, columns, rows)
                assert max(map(len, lines)) < columns
                assert len(lines) < rows
                assert all(line.isascii() and line.isprintable() for line in lines)
                assert sum(line.startswith(f"> {n + 1}") for line in lines) == 1


def run(*arguments: str, stdin: int | None = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHAT, *arguments], capture_output=True, text=True, timeout=120, stdin=stdin, cwd=ROOT, env=os.environ
    )


@pytest.mark.parametrize(
    "command",
    [
        ["ask", "hi"],
        ["complete", "README.md"],
        ["edit", "README.md", "do it"],
        ["serve", "--port", "0"],
        ["bench", "-n", "2"],
        ["corpus", "add", "README.md"],
    ],
)
def test_without_a_terminal_a_command_says_in_one_line_what_to_type(command: list[str]):
    result = run(*command)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert f"'spectra-chat models pull {BEST}' fetches one (1.1 GB)" in line or f"pull {SMALL}'" in line
    assert "the same command with --yes fetches" in line


def test_doctor_finds_that_there_is_no_model_and_fetches_none():
    result = run("doctor")
    assert result.returncode == 1
    assert "problem: decode: no model is on this disk yet" in result.stderr


def test_one_that_is_named_and_not_here_says_what_to_type_and_yes_fetches_that_one():
    result = run("ask", "-m", SMALL, "hi")
    assert result.stderr.splitlines() == [
        f"spectra-chat: {SMALL} is not on this disk yet: 'spectra-chat models pull {SMALL}' fetches it; "
        f"the same command with --yes fetches {SMALL}"
    ]
    result = run("ask", "-m", SMALL, "--yes", "hi")
    assert result.returncode == 1
    assert result.stderr.startswith(f"fetching {SMALL} (491 MB, Apache License 2.0)")


def test_a_licence_is_not_accepted_by_yes():
    result = run("ask", "-m", "llama-3.2-1b-instruct", "--yes", "hi")
    assert result.returncode == 1
    assert "accept it with 'spectra-chat models pull llama-3.2-1b-instruct --accept-licence'" in result.stderr


def test_a_closed_stdin_is_no_terminal():
    command = f"{sys.executable} -m tui complete README.md <&-"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert result.returncode == 1
    assert "with --yes fetches" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_piped_question_is_not_taken_for_an_answer_to_the_choice():
    result = subprocess.run([*CHAT, "ask"], input="\n", capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert result.returncode == 2, "the prompt is empty"
    result = subprocess.run([*CHAT, "ask"], input="1\n", capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert result.returncode == 1
    assert "with --yes fetches" in result.stderr


@pytest.mark.parametrize(("options", "name"), [(WantedModel(yes=True), BEST), (WantedModel(TINY, yes=True), TINY)])
def test_yes_takes_the_first(monkeypatch: pytest.MonkeyPatch, options: WantedModel, name: str):
    monkeypatch.setattr("spectra_local.cli.fetching.fetch", lambda entry: Path(entry.name))
    assert model_path(options) == Path(name)


def test_yes_downloads_nothing_over_a_model_that_is_here(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    theirs = write_gguf(home / ".cache/llama.cpp/Theirs-Q4.gguf")
    monkeypatch.setattr("spectra_local.cli.fetching.fetch", lambda entry: pytest.fail("it was fetched"))
    assert model_path(WantedModel(yes=True)) == theirs
    assert capsys.readouterr().err == f"using Theirs-Q4, which is on this disk: {theirs}\n"
    assert load_settings()[0].model == "", "only a person's choice is kept"
    with pytest.raises(ModelNotFoundError, match=r"on this disk: Theirs-Q4: .* with --yes uses Theirs-Q4"):
        model_path(WantedModel())


def test_a_model_of_another_program_that_is_chosen_is_the_default_from_then_on(home: Path):
    theirs = write_gguf(home / ".cache/llama.cpp/Theirs-Q4.gguf")
    terminal = Terminal([sys.executable, "-c", CHOOSE])
    text = terminal.wait_for("esc leaves")
    assert marked(text) == "Theirs-Q4"
    assert BEST in text
    terminal.type(ENTER)
    terminal.wait_for("chosen:")
    assert terminal.exit_code() == 0
    terminal.close()
    assert load_settings()[0].model == "Theirs-Q4"
    assert model_path(WantedModel()) == theirs


def test_the_language_server_asks_nobody_and_fetches_only_with_yes(monkeypatch: pytest.MonkeyPatch):
    fetched: list[str] = []

    def pull(entry: object, *_: object) -> Path:
        fetched.append(entry.name)  # type: ignore[attr-defined]
        raise ModelNotFoundError("enough")

    monkeypatch.setattr("spectra_local.catalogue.download.pull", pull)
    with pytest.raises(ModelNotFoundError, match=f"pull {BEST}'.*--yes fetches {BEST}"):
        list(LateEngine(WantedModel(), EngineOptions()).load())
    assert fetched == []
    with pytest.raises(ModelNotFoundError, match="enough"):
        list(LateEngine(WantedModel(yes=True), EngineOptions()).load())
    assert fetched == [BEST]


def test_ctrl_c_while_it_is_fetched_is_a_line_and_the_next_command_goes_on(monkeypatch: pytest.MonkeyPatch):
    with FakeHub(gguf_bytes(size=16 << 20)) as hub:
        hub.etag = "no-checksum"  # the real catalogue pins other bytes
        hub.cut_after, hub.cuts, hub.stalls = 2 << 20, 1000, True
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        firsts: list[str | None] = []  # where each command's first request begins
        for _ in range(2):
            n_before = len(hub.ranges)
            terminal = Terminal([*CHAT, "ask", "hi"])
            terminal.wait_for("esc leaves")
            terminal.type(DOWN + DOWN + ENTER)
            terminal.wait_for(lambda text: "B of 17 MB" in text)
            terminal.type(CTRL_C)
            assert terminal.exit_code() == 130
            assert f"fetching {TINY} was stopped" in terminal.look().replace("\n", "")
            terminal.close()
            firsts.append(hub.ranges[n_before])
        assert firsts[0] is None
        assert firsts[1] is not None, "it went on where it was"
