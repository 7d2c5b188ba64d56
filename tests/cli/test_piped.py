"""What is piped to `ask`: whose it is, how long it is waited for, and what its bytes say. Real processes and pipes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The prompt that would be asked, in place of a model's answer.
PROGRAM = """
import sys
from spectra_local.cli import ask
from spectra_local.cli.main import run
from spectra_local.errors import SpectraError

def asked(text, *_, **__):
    print(repr(text), flush=True)
    raise SystemExit(0)

ask.request_of = asked
run(None, ["ask", *sys.argv[1:]])
"""


def started(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # type: ignore[call-overload,no-any-return]  # fmt: skip


def asked(data: bytes, *arguments: str) -> tuple[str, str]:
    process = started(*arguments, stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.buffer.write(data)  # type: ignore[attr-defined]
    out, err = process.communicate(timeout=60)
    return out.strip(), err


@pytest.fixture
def silent() -> Iterator[int]:
    """A pipe that nobody writes to and nobody closes."""
    read, write = os.pipe()
    yield read
    os.close(read)
    os.close(write)


def test_an_open_and_silent_stdin_is_named_after_a_second(silent: int) -> None:
    process = started("hi", stdin=silent)
    assert process.stderr
    assert "waiting for stdin to end" in process.stderr.readline()
    process.kill()
    process.communicate()


def test_a_shells_loop_keeps_its_list(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("one\ntwo\nthree\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    loop = f'while read -r word; do "{sys.executable}" program.py "say $word"; done < list'
    done = subprocess.run(["bash", "-c", loop], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["'say one'", "'say two'", "'say three'"]


def test_a_file_at_its_beginning_is_the_prompts(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("body\n")
    with (tmp_path / "text").open() as file:
        out, _ = started("Explain:", stdin=file).communicate(timeout=60)
    assert out.strip() == repr("Explain:\n\nbody")


def test_a_rest_of_a_file_is_a_prompt_where_it_is_all_there_is(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("head\nbody\n")
    with (tmp_path / "text").open() as file:
        os.lseek(file.fileno(), 5, os.SEEK_SET)
        out, _ = started(stdin=file).communicate(timeout=60)
    assert out.strip() == repr("body")


@pytest.mark.parametrize("data", ["\ufeffnaïve".encode(), "naïve".encode("utf-16"), "\ufeffnaïve".encode("utf-16-be")])
def test_marks_of_encodings_are_obeyed_and_left_out(data: bytes) -> None:
    assert asked(data, "Explain:") == (repr("Explain:\n\nnaïve"), "")


def test_one_bad_byte_of_a_diff_is_replaced_and_said() -> None:
    out, err = asked(b"+ caf\xe9 = 1\n", "Commit message:")
    assert out == repr("Commit message:\n\n+ caf\ufffd = 1")
    assert err == "spectra-chat: stdin is not all text; what cannot be read is shown as \ufffd (the first is byte 5)\n"


def test_bytes_of_a_program_are_refused() -> None:
    out, err = asked(b"\x7fELF\0\0\xff\xff", "Explain:")
    assert out == ""
    assert err == "spectra-chat: stdin is no text: it contains zero bytes\n"
