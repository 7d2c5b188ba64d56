"""What cannot be meant is refused in one way by every command: one line that names the program, and exit code 2."""

import io
import sys
from collections.abc import Iterator

import click
import pytest

from spectra_local.cli.main import root, run


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


EVERY = [(), *_commands(root)]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        run(None, words)
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("spectra-chat: ")
    assert err.count("\n") == 1
    assert err[len("spectra-chat: ")].islower() or not err[len("spectra-chat: ")].isalpha()
    return err


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_an_option_that_there_is_not(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    err = refused(capsys, *command, "--nonsense")
    assert "no such option" in err
    assert f"'{' '.join(['spectra-chat', *command])} --help'" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "no such command 'nonsense'"),
        (["history", "nonsense"], "no such command 'nonsense'"),
        (["history", "import"], "missing argument 'FILE'"),
        (["ask", "hi", "--temperature", "hot"], "'hot' is not a valid float"),
        (["ask", "hi", "-n", "-2"], "-2 is not in the range"),
        (["ask", "one", "two", "three"], "unexpected extra arguments"),
        (["ask", "hi", "--ctx"], "requires an argument"),
        (["ask", "\x1b[2J", "\x1b]0;x\x07"], "unexpected extra argument"),
        (["ask", "hi", "--raw", "-s", "x"], "--raw takes no --system"),
        (["serve", "--port", "99999999"], "port"),
    ],
)
def test_what_cannot_be_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    err = refused(capsys, *words)
    assert said in err
    assert "\x1b" not in err
