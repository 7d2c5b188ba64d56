"""The command line's root: finds the subcommand."""

import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

import click

from spectra_local import __version__
from spectra_local.cli.hoisting import hoisted
from spectra_local.cli.lazy import LazyGroup
from spectra_local.cli.options import WantedModel, engine_options, given_options
from spectra_local.cli.outcome import EXIT_INTERRUPTED, PROGRAM, complain, outcome
from spectra_local.protocol import EngineOptions


class OpenChat(Protocol):
    """Opens the terminal app, with a file in its editor where one is named, and returns the exit code."""

    def __call__(self, model: str | None, options: EngineOptions, file: str = "", line: int = 1) -> int:
        """``line`` counts from 1."""
        ...


_SUBCOMMANDS = {
    "ask": ("spectra_local.cli.ask:ask", "Answer one prompt on stdout; stdin is appended."),
    "complete": ("spectra_local.cli.complete:complete", "Print what belongs at a place in a file."),
    "edit": ("spectra_local.cli.edit:edit", "Rewrite a file, or lines of it, as instructed; or open it in the editor."),
    "models": ("spectra_local.cli.models:models", "List, fetch, add and remove models."),
    "doctor": (
        "spectra_local.cli.doctor:doctor",
        "Check the installation: versions, devices, models, one timed decode.",
    ),
    "bench": ("spectra_local.cli.bench:bench", "Measure plain decoding, SPECTRA and rivals."),
    "serve": ("spectra_local.cli.serve:serve", "Answer llama.vim, llama.vscode and OpenAI clients over HTTP."),
    "lsp": ("spectra_local.cli.lsp:lsp", "Complete code in editors that speak LSP."),
    "history": (
        "spectra_local.cli.history:history",
        "What was learned from earlier sessions: move it, erase it, check it.",
    ),
    "corpus": ("spectra_local.cli.corpus:corpus", "Text of your choice to guess from, filtered by the model itself."),
    "completion": ("spectra_local.cli.completion:completion", "Print the completion script for a shell."),
}


@click.group(
    cls=LazyGroup,
    lazy=_SUBCOMMANDS,
    aliases={"cache": "history"},  # as it was called first
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=PROGRAM)
@engine_options
@click.pass_context
def root(context: click.Context, model: WantedModel, options: EngineOptions) -> None:
    """A private assistant in the terminal that gets faster the more you use it.

    Without a command, opens the chat.
    """
    if context.invoked_subcommand is None:
        open_chat: OpenChat | None = context.obj
        if open_chat is None:
            raise click.UsageError("the terminal app is not part of this installation; try 'ask'", context)
        from spectra_local.cli.opening import named_for_app  # what other commands need only when they run

        context.exit(open_chat(named_for_app(model), options))
    if given := given_options(context):  # of a command that has them they stand behind it by now
        raise click.UsageError(f"'{context.invoked_subcommand}' takes no {', '.join(given)}", context)


def run(open_chat: OpenChat | None = None, arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits. ``open_chat`` opens the terminal app and returns its exit code."""
    sys.exit(outcome(lambda: _commanded(open_chat, arguments)))


def _commanded(open_chat: OpenChat | None, arguments: Sequence[str] | None) -> object:
    words = hoisted(root, list(sys.argv[1:] if arguments is None else arguments))
    try:
        return root.main(args=words, prog_name=PROGRAM, standalone_mode=False, obj=open_chat)
    except click.ClickException as error:
        complain(_in_one_line(error, words))
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED


def _in_one_line(error: click.ClickException, words: Sequence[str]) -> str:
    """As the program's own refusals read, with what to type next."""
    said = " ".join(error.format_message().split()).rstrip(".")
    said = said[:1].lower() + said[1:]
    if isinstance(error, click.NoSuchOption) and _is_text(error, words):
        return f'{said}; text that begins with "-" stands behind --, as in: {PROGRAM} ask -- "-5 + 3?"'
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{said}; '{context.command_path if context else PROGRAM} --help' shows what there is"


def _is_text(error: click.NoSuchOption, words: Sequence[str]) -> bool:
    """Whether what was taken for an option was meant to be read: it has a space, or begins with no letter."""
    given = next((word for word in words if word.startswith(error.option_name)), error.option_name)
    return " " in given.strip() or not given.lstrip("-")[:1].isalpha()
