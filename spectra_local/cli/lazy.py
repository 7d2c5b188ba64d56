"""A click group that imports a subcommand when it is used, and not to list it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

_ARGUMENTS = "spectra_local.cli.arguments"


def arguments_of(context: click.Context) -> list[str]:
    """The whole command line behind the program's name, as it was given."""
    given: list[str] = context.meta[_ARGUMENTS]
    return given


class LazyGroup(click.Group):
    """``lazy`` maps a name to ("module:attribute", one line of help), ``aliases`` unlisted names to those."""

    def __init__(
        self, *args: Any, lazy: dict[str, tuple[str, str]], aliases: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy
        self._aliases = aliases or {}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Keeps what was given: parsing takes it apart."""
        given = list(args)
        context = super().make_context(info_name, args, parent, **extra)
        context.meta.setdefault(_ARGUMENTS, given)
        return context

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table: what a newcomer needs first stands first."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns the command."""
        name = self._aliases.get(cmd_name, cmd_name)
        if name not in self._lazy:
            return None
        module, attribute = self._lazy[name][0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for --help, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])
