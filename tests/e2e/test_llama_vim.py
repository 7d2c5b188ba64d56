"""The real llama.vim in the real Vim against ``serve``. LLAMA_VIM names the plugin's folder; skipped without it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import ROOT, Terminal

PLUGIN = os.environ.get("LLAMA_VIM", "")
pytestmark = [
    pytest.mark.skipif(not PLUGIN, reason="LLAMA_VIM does not name a checkout of llama.vim"),
    pytest.mark.skipif(not (shutil.which("vim") and shutil.which("curl")), reason="vim or curl is not installed"),
    pytest.mark.model,
]


@pytest.fixture
def server(smollm2_path: Path, spectra_home: Path) -> Iterator[str]:
    """Its address. The model is LLAMA_VIM_MODEL where that is set: the default one has no fill-in tokens."""
    model = os.environ.get("LLAMA_VIM_MODEL") or str(smollm2_path)
    command = [sys.executable, "-m", "tui", "serve", "-m", model, "--port", "0", "--ctx", "2048"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr
    try:
        for line in process.stderr:
            if match := re.search(r"http://\S+", line):
                yield match[0]
                break
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


@pytest.fixture
def vim(server: str, tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "squares.py").write_text("one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = \nsix = 6\nseven = 7\n")
    config = json.dumps({"endpoint_fim": f"{server}/infill", "auto_fim": 0, "keymap_fim_trigger": "<C-F>"})
    settings = f"set nocompatible\nset rtp^={PLUGIN}\nlet g:llama_config = {config}\n"
    (tmp_path / "vimrc").write_text(settings)
    command = ("vim", "-u", str(tmp_path / "vimrc"), "-n", "-i", "NONE", str(tmp_path / "squares.py"))
    vim = Terminal(command, size=(140, 24), TERM="xterm-256color")
    yield vim
    vim.close()


def test_a_completion_is_shown_and_accepted(vim: Terminal, tmp_path: Path) -> None:
    if "Press ENTER" in vim.wait_for(lambda text: "seven = 7" in text or "Press ENTER" in text):
        vim.type("\r")  # Vim before 9.1: the plugin warns and works
        vim.wait_for("seven = 7")
    vim.type("5GA")
    vim.wait_for("INSERT")
    vim.type("\x06")  # ctrl+f asks for a completion
    shown = vim.wait_for("| g: ")  # llama.vim's statistics stand behind the ghost text
    ghost = next(line for line in shown.splitlines() if line.startswith("five = "))
    suggested = ghost.removeprefix("five = ").split("   | c:")[0].strip()
    assert suggested
    vim.type("\t")
    vim.wait_for(lambda text: "| g: " not in text)
    vim.type("\x1b:wq\r")
    assert vim.exit_code() == 0
    lines = (tmp_path / "squares.py").read_text().splitlines()
    assert lines[4].startswith(f"five = {suggested}")
    assert lines[:4] == ["one = 1", "two = 2", "three = 3", "four = 4"]
    assert lines[-2:] == ["six = 6", "seven = 7"]
