"""What an engine's process leaves for its parent: real files between real processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from spectra_local.worker.last_words import LastWords, Recorder


@pytest.fixture
def last_words() -> Iterator[LastWords]:
    with closing(LastWords()) as last_words:
        yield last_words


def test_nothing_written_is_nothing_said(last_words: LastWords) -> None:
    assert (last_words.read().build, last_words.read().lines) == ("", [])


def test_a_process_that_is_killed_leaves_its_description_and_its_last_lines(last_words: LastWords) -> None:
    code = (
        "import os, signal\nfrom spectra_local.worker.last_words import Recorder\n"
        f"recorder = Recorder({last_words.descriptor})\nrecorder.describe('CPU : AVX2 = 1')\n"
        "[recorder.line(f'line {n}\\n'.encode()) for n in range(40)]\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], pass_fds=(last_words.descriptor,), timeout=60)
    said = last_words.read()
    assert said.build == "CPU : AVX2 = 1"
    assert said.lines == [f"line {n}" for n in range(28, 40)]


def test_a_talkative_process_keeps_the_file_small_and_the_description_whole(last_words: LastWords) -> None:
    recorder = Recorder(last_words.descriptor)
    recorder.describe("CPU")
    for n in range(30_000):
        recorder.line(f"line {n}\n".encode())
    said = last_words.read()
    assert said.build == "CPU"
    assert said.lines[-1] == "line 29999"


def test_what_comes_out_of_a_model_file_is_made_printable_and_short(last_words: LastWords) -> None:
    recorder = Recorder(last_words.descriptor)
    recorder.describe("x" * 5000)
    recorder.line(b"\x1b[2J" + b"\xff" * 5000 + b"\n")
    said = last_words.read()
    assert len(said.build) <= 1024
    assert "\x1b" not in said.lines[0]
    assert len(said.lines[0]) <= 200
