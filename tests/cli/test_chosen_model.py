"""One chosen model for every command: the settings' name, then what is on the disk; nothing is fetched unasked."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import click
import pytest
from fakes.gguf import write_gguf

from spectra_local import locations
from spectra_local.catalogue.entries import entries
from spectra_local.cli import fetching
from spectra_local.cli.late_engine import LateEngine
from spectra_local.cli.main import root, run
from spectra_local.cli.options import WantedModel
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions
from spectra_local.settings import change_setting
from spectra_local.worker import EngineProcess

Run = Callable[..., str]

# What each command that takes -m is given; {file} is a text file.
COMMANDS: dict[str, list[str]] = {
    "ask": ["hi"],
    "complete": ["{file}"],
    "edit": ["{file}", "shout"],
    "serve": ["--port", "0"],
    "doctor": [],
}
ELSEWHERE = {
    "bench": "finds its model in a process of its own: test_native_code.py, test_bench.py",
    "lsp": "loads while the editor waits: see below",
    "corpus add": "has its vocabulary read in a process of its own: test_native_code.py",
    "corpus refresh": "as corpus add",
    "history import": "as corpus add",
}


def _with_model(group: click.Group, path: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _with_model(command, f"{path}{name} ")
        elif any(parameter.name == "model" and "--model" in parameter.opts for parameter in command.params):
            yield f"{path}{name}"


def test_every_command_with_a_model_is_looked_at() -> None:
    assert {*COMMANDS, *ELSEWHERE} == {*_with_model(root)}


class OpenedError(SpectraError):
    """In place of a running engine."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command; returns what it said, which names the file that it would have loaded."""

    def open_(_: EngineProcess, path: Path, *__: object, **___: object) -> NoReturn:
        raise OpenedError(f"opened {path.name}")

    def fetch(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(EngineProcess, "__init__", open_)
    monkeypatch.setattr(fetching, "fetch", fetch)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    text = tmp_path / "some.txt"
    text.write_text("some words\n")

    def said(command: str, *options: str) -> str:
        words = [word.replace("{file}", str(text)) for word in COMMANDS[command]]
        with pytest.raises(SystemExit):
            run(None, [command, *words, *options])
        out, err = capsys.readouterr()
        return out + err

    return said


@pytest.fixture
def on_disk() -> Path:
    """The model that is the best of the offers, on this disk."""
    return write_gguf(locations.models_dir() / entries()[0].file)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_chosen_model_is_used(command: str, opened: Run, on_disk: Path) -> None:
    assert f"opened {on_disk.name}" in opened(command), "what is on the disk goes before a download"
    write_gguf(locations.models_dir() / "chosen.gguf")
    change_setting(("model",), "chosen")
    assert "opened chosen.gguf" in opened(command)
    assert f"opened {on_disk.name}" in opened(command, "-m", str(on_disk))


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_fetched_unasked(command: str, opened: Run) -> None:
    assert "opened" not in (said := opened(command))
    assert "--yes" in said or "models pull" in said


def test_an_editors_server_uses_it_too_and_fetches_nothing(opened: Run, on_disk: Path) -> None:
    write_gguf(locations.models_dir() / "chosen.gguf")
    change_setting(("model",), "chosen")
    with pytest.raises(OpenedError, match=r"opened chosen\.gguf"):
        list(LateEngine(WantedModel(), EngineOptions()).load())
    change_setting(("model",), None)
    for file in locations.models_dir().iterdir():
        file.unlink()
    with pytest.raises(SpectraError, match="--yes"):
        list(LateEngine(WantedModel(), EngineOptions()).load())
