"""No command loads native code in the user's process: a model that ends it costs a line and an exit code."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from fakes.gguf_writer import ARRAY, F32, STRING, GgufWriter, small_model
from fakes.waiting import wait_until

from spectra_local.cli.main import run
from spectra_local.history.database import Database
from spectra_local.history.exporting import Selection, choose, write
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[2]
NATIVE = ("spectra_local.worker", "spectra_local.cli.native_child", "spectra_local.llama.facts")
HOOK = """
import os, sys
def note(event, arguments):
    if event == "import" and arguments[0] == "llama_cpp":
        with open({record!r}, "a") as file:
            file.write(" ".join(sys.orig_argv) + "\\n")
sys.addaudithook(note)
"""


def whole(writer: GgufWriter) -> GgufWriter:
    """With what llama.cpp asks for before it reads a vocabulary."""
    return writer.set("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)


HOSTILE = {
    "every token is a": whole(small_model()).set("tokenizer.ggml.tokens", (ARRAY, STRING), ["a"] * 6),
    "another model's tokens": whole(small_model()).set("tokenizer.ggml.model", STRING, "llama"),
    "no tokenizer": whole(small_model()).set("tokenizer.ggml.model", STRING, "none"),
}


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where every process notes that it loads llama_cpp."""
    hook, record = tmp_path / "hook", tmp_path / "record"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK.format(record=str(record)))
    monkeypatch.setenv("PYTHONPATH", f"{hook}{os.pathsep}{ROOT}")
    record.touch()
    return record


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Needs a tokenizer: its turns are another's."""
    import numpy as np

    path = tmp_path / "friend.spectra"
    with closing(Database(tmp_path / "friend.sqlite")) as database:
        store = Store(database)
        store.add([Turn("1", "user", "other", "hello a b ab\nagain", tokens=np.array([1, 2], TOKEN), ts=1e9)])
        write(choose(store, Selection(whole_turns=True)), path)
    return path


def chat(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "tui", *arguments],
        capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def in_the_users_process(record: Path) -> list[str]:
    return [line for line in record.read_text().splitlines() if not any(f"-m {name}" in line for name in NATIVE)]


def is_one_line(done: subprocess.CompletedProcess[str]) -> bool:
    lines = done.stderr.strip().splitlines()
    return done.returncode == 1 and len(lines) == 1 and lines[0].startswith("spectra-chat: ")


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_vocabulary_ends_no_command(
    kind: str, record: Path, export: Path, tmp_path: Path, smollm2_path: Path
) -> None:
    model = str(HOSTILE[kind].write(tmp_path / "model.gguf"))
    text = tmp_path / "some.txt"
    text.write_text("some words to read\n" * 20)
    commands = [["history", "import", str(export)], ["corpus", "add", str(text)]]
    if kind == "every token is a":
        commands += [["ask", "hi"], ["complete", str(text)], ["edit", str(text), "shout"], ["bench"]]
        commands += [["serve", "--port", "0"]]
    for command in commands:
        done = chat(*command, "-m", model)
        assert is_one_line(done), (command, done)
    if kind == "every token is a":
        for command in (["doctor", "-m", model], ["lsp", "-m", model], ["models", "add", model], ["history", "stats"]):
            done = chat(*command)
            assert done.returncode >= 0 and "Traceback" not in done.stderr, (command, done)
    assert record.read_text(), "the hook works"
    assert in_the_users_process(record) == []


def test_what_needs_native_code_and_succeeds_has_it_elsewhere_too(
    record: Path, export: Path, tmp_path: Path, smollm2_path: Path
) -> None:
    text = tmp_path / "some.txt"
    text.write_text("some words to read about boats, harbours, ropes and the weather at sea\n" * 4)
    model = ["-m", str(smollm2_path)]
    assert "as layer friend" in chat("history", "import", str(export), *model).stderr
    done = chat("corpus", "add", str(text), "--json", *model)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"scored_tokens"' in done.stdout
    assert in_the_users_process(record) == []


def test_a_missing_import_asks_for_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # no model anywhere
    done = chat("history", "import", str(tmp_path / "missing.spectra"), "--yes")
    assert done.returncode == 1
    assert done.stderr == f"spectra-chat: cannot read {tmp_path / 'missing.spectra'}: No such file or directory\n"


def test_usage_is_refused_before_another_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    for arguments in (
        ["history", "import"],
        ["corpus", "add"],
        ["bench", "--curve", "x"],
        ["corpus", "add", "/no/such"],
    ):
        with pytest.raises(SystemExit) as ended:
            run(None, arguments)
        assert ended.value.code in (1, 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_with_the_command_its_process_ends(number: signal.Signals, tmp_path: Path, smollm2_path: Path) -> None:
    folder = tmp_path / "much"
    folder.mkdir()
    for i in range(300):
        (folder / f"{i}.txt").write_text("".join(f"line {j} of file {i} is like no other line\n" for j in range(60)))
    command = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", "corpus", "add", "--background", str(folder), "-m", str(smollm2_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert command.stdin and command.stdout
    assert command.stdout.readline().startswith(b"0 "), "it scores"
    (child,) = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
    command.send_signal(number)
    code = command.wait(60)
    assert code == (130 if number == signal.SIGINT else -number)
    wait_until(lambda: not Path(f"/proc/{child}").exists())
    command.stdin.close()
    command.stdout.close()
