"""``spectra-chat edit``: a file, or lines of it, rewritten as instructed; on stdout, as a diff, or in place."""

import re
import sys
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spectra_local.cli.ask import summary
from spectra_local.cli.exact_output import write_text
from spectra_local.cli.learning import learns_from
from spectra_local.cli.opening import named_for_app, open_engine
from spectra_local.cli.options import WantedModel, engine_options, given_options, option_names, sampling_options
from spectra_local.cli.status import StatusLine
from spectra_local.completion.completer import Completer
from spectra_local.completion.rewrite import Progress, RewriteRequest, Rewritten, check, rewrite
from spectra_local.errors import SpectraError, UsageError
from spectra_local.printable import printable_line
from spectra_local.protocol import Assistant, EngineOptions, FillIn, Sampling
from spectra_local.text_file import TextFile, counted_lines, read_text_file, replace_file
from spectra_local.unified_diff import n_new_lines, unified_diff

if TYPE_CHECKING:
    from spectra_local.cli.main import OpenChat

_LEAST_PARAMETERS = 1_000_000_000  # models of chat with fewer were seen to lose lines, or to answer with others
_LINES = re.compile(r"(?P<file>.+):(?P<first>\d+)-(?P<last>\d+)", re.DOTALL)
_NO_LINES = re.compile(r"(?P<file>.+):[^:/]*", re.DOTALL)


@click.command()
@click.argument("file", metavar="FILE[:A-B]")
@click.argument("instruction", required=False)
@engine_options
@sampling_options
@click.option("--diff", "as_diff", is_flag=True, help="Print the change as a unified diff.")
@click.option("--in-place", is_flag=True, help="Change the file; the old one is kept as FILE~.")
@click.option("--plain", is_flag=True, help="Ordinary decoding, one token a pass, for comparison.")
@click.option("--stats", is_flag=True, help="Print counts and speeds on stderr.")
@click.pass_context
def edit(
    context: click.Context,
    file: str,
    instruction: str | None,
    model: WantedModel,
    options: EngineOptions,
    sampling: Sampling,
    as_diff: bool,
    in_place: bool,
    plain: bool,
    stats: bool,
) -> int:
    """Rewrite FILE, or its lines A to B, by INSTRUCTION; print the new text of just these lines.

    Without INSTRUCTION, open FILE in the editor, where the model suggests and rewrites.

    \b
    spectra-chat edit main.py:10-40 "use pathlib" --diff
    :'<,'>!spectra-chat edit - "sort the imports"        in Vim
    """
    if instruction is None:
        heeded = option_names(context.find_root().command)  # the app's own
        dropped = [name for name in given_options(context) if name not in heeded]
        if dropped or file == "-":
            without = f", where {', '.join(dropped)} would do nothing" if dropped else ""
            raise UsageError(f"an instruction is missing; without one, edit opens a file in the editor{without}")
        return _open_editor(context, file, model, options)
    if in_place and (as_diff or file == "-"):
        raise UsageError("--in-place goes with a file, and without --diff")
    source, first, last = _block(file)
    lines = source.lines()
    before, old, after = ("".join(part) for part in (lines[:first], lines[first:last], lines[last:]))
    learn = learns_from(None if file == "-" else Path(source.path))
    request = RewriteRequest(old, instruction, before, after, sampling=sampling, speculate=not plain, learn=learn)
    with ExitStack() as opened:
        try:
            check(request)
            engine = opened.enter_context(closing(open_engine(model, options)))
            # A filter's warnings would end up in the text: Vim takes stderr too.
            done = _rewritten(engine, request, warn=file != "-")
        except BaseException:
            if file == "-" and not as_diff:
                write_text(
                    old, own=old
                )  # an editor puts what it gets here in place of what it gave: nothing may be lost
            raise
        if as_diff:
            write_text(unified_diff(source.name, source.text, before + done.text + after), own=source.text)
        elif in_place:
            _write(Path(source.path), source, before + done.text + after)
        else:
            write_text(done.text, own=source.text)
        if done.text == old and not in_place and file != "-":
            click.echo("spectra-chat: the model changed nothing", err=True)
        if not as_diff and done.text != old:  # a diff is looked at first
            Completer(engine).accepted(FillIn(before, after), done.text, learn=learn)
    if stats:
        for timings in done.timings:
            click.echo(summary(timings), err=True)
    return 0


def _open_editor(context: click.Context, file: str, model: WantedModel, options: EngineOptions) -> int:
    open_chat: OpenChat | None = context.obj
    if open_chat is None:
        raise UsageError("the editor is not part of this installation; give an instruction")
    match = _named_lines(file)
    name, line = (match["file"], int(match["first"])) if match else (file, 1)
    return open_chat(named_for_app(model), options, name, line)


def _rewritten(engine: Assistant, request: RewriteRequest, *, warn: bool) -> Rewritten:
    if warn and not engine.info.fill_in and engine.info.n_params < _LEAST_PARAMETERS:
        click.echo("spectra-chat: this model is small and was not made for code; look at what it changed", err=True)
    return _last(rewrite(engine, request))


def _last(items: Generator[Progress | Rewritten, None, None]) -> Rewritten:
    with StatusLine(sys.stderr, delay=0) as status, closing(items):  # a long text is read without a word in between
        for item in items:
            if isinstance(item, Progress):
                status.show(item.text)
            else:
                return item
    raise SpectraError("the rewriting has no end")


def _block(argument: str) -> tuple[TextFile, int, int]:
    """The file, and its lines from the first to before the last, counted from 0."""
    match = _named_lines(argument)
    if match is None:
        source = read_text_file(argument)
        return source, 0, len(source.lines())
    source = read_text_file(match["file"])
    first, last, n_lines = int(match["first"]), int(match["last"]), len(source.lines())
    if not 1 <= first <= last <= n_lines:
        raise UsageError(f"{source.name} has {counted_lines(n_lines)}: {first}-{last} are not lines of it")
    return source, first - 1, last


def _named_lines(argument: str) -> re.Match[str] | None:
    """The match of FILE:A-B, None where there is only a FILE. Raises UsageError for what was meant to be the first."""
    if argument == "-" or Path(argument).exists():
        return None
    if match := _LINES.fullmatch(argument):
        return match
    if (meant := _NO_LINES.fullmatch(argument)) and Path(meant["file"]).is_file():
        raise UsageError(
            f"'{printable_line(argument)}' names no lines: say FILE:A-B, with two numbers, such as "
            f"{printable_line(meant['file'])}:10-20"
        )
    return None


def _write(path: Path, source: TextFile, new: str) -> None:
    if new == source.text:
        click.echo(f"spectra-chat: {source.name} stays as it is: the model changed nothing", err=True)
        return
    backup = replace_file(path, source.text, new)
    changed = counted_lines(n_new_lines(source.text, new))
    click.echo(f"spectra-chat: {source.name}: {changed} new or changed; the old file is {backup.name}", err=True)
