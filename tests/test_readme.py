"""The README tells the truth: its commands parse, its pictures are the app's own, CI runs its test command."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from spectra_local.cli.main import root

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
OURS = [
    part.strip() for line in COMMANDS for part in re.split(r"\||&&", line) if part.strip().startswith("spectra-chat")
]


def test_it_has_the_two_commands() -> None:
    assert "pip install . && spectra-chat" in COMMANDS
    assert any(line.startswith("pip install . && spectra-chat ask --yes ") for line in COMMANDS)
    assert "pip install '.[test]' && pytest" in COMMANDS


def test_ci_runs_exactly_the_readmes_test_command() -> None:
    assert "\npip install '.[test]' && pytest\n" in (CHECKOUT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("line", OURS)
def test_every_command_parses(line: str) -> None:
    arguments = shlex.split(line)[1:]
    command: click.Command = root
    context = click.Context(root, info_name="spectra-chat")
    while isinstance(command, click.Group) and arguments:
        found = command.get_command(context, arguments[0])
        assert found is not None, f"no command {arguments[0]}"
        command, context = found, click.Context(found, parent=context, info_name=arguments[0])
        arguments = arguments[1:]
    command.parse_args(context, arguments)


def test_every_picture_is_there() -> None:
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (CHECKOUT / picture).read_text("utf-8").startswith("<svg")


def test_extras_named_in_it_exist() -> None:
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert {name for group in re.findall(r"'\.\[([a-z,]+)\]'", README) for name in group.split(",")} <= set(extras)
