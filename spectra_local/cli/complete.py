"""``spectra-chat complete``: what belongs at a place in a file, on stdout and nothing else."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from spectra_local.cli.ask import summary
from spectra_local.cli.exact_output import write_text
from spectra_local.cli.learning import learns_from
from spectra_local.cli.opening import open_engine
from spectra_local.cli.options import WantedModel, engine_options, sampling_options
from spectra_local.cli.status import StatusLine
from spectra_local.completion.completer import MAX_TOKENS, Completer, CompletionRequest, Piece, Suggestion
from spectra_local.completion.related import RelatedFiles
from spectra_local.errors import SpectraError, UsageError
from spectra_local.protocol import EngineOptions, ExtraFile, FillIn, ModelInfo, PromptProgress, Sampling
from spectra_local.text_file import read_text_file, with_plain_ends
from spectra_local.timings_json import timings_json

_MOST_SUGGESTIONS = 16


@click.command()
@click.argument("file")
@click.option("--at", metavar="LINE:COL", help="The place, both from 1.  [default: the end of the file]")
@click.option("--suffix-file", metavar="FILE", help="What follows the place; FILE is then all that precedes it.")
@click.option("--path", metavar="NAME", help="What to call the text from stdin, so that its language is known.")
@click.option("--context", multiple=True, metavar="FILE", help="A related file to read before; may be repeated.")
@click.option("--no-related", is_flag=True, help="Read no other files than those given.")
@engine_options
@sampling_options
@click.option("-n", "--max-tokens", type=click.IntRange(1), default=MAX_TOKENS, show_default=True, metavar="N")
@click.option("--max-ms", type=click.FloatRange(1), metavar="MS", help="Stop generating about then, at a line's end.")
@click.option("--count", type=click.IntRange(1, _MOST_SUGGESTIONS), default=1, metavar="N", help="Suggestions to make.")
@click.option("--line", "single_line", is_flag=True, help="One line at most.")
@click.option("--raw", is_flag=True, help="All that the model says, without stop rules and cleaning.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--stats", is_flag=True, help="Print counts and speeds on stderr.")
def complete(
    file: str,
    at: str | None,
    suffix_file: str | None,
    path: str | None,
    context: tuple[str, ...],
    no_related: bool,
    model: WantedModel,
    options: EngineOptions,
    sampling: Sampling,
    max_tokens: int,
    max_ms: float | None,
    count: int,
    single_line: bool,
    raw: bool,
    as_json: bool,
    stats: bool,
) -> int:
    """Print what belongs at a place in FILE ("-": stdin).

    What FILE imports and what resembles it in its folder is read too, as far as that takes little time.

    \b
    spectra-chat complete main.py --at 12:5
    head -c 400 main.py | spectra-chat complete - --suffix-file rest.py
    """
    gap = replace(_gap(file, at, suffix_file, path), extra=tuple(_extra(name) for name in context))
    with closing(open_engine(model, options)) as engine, StatusLine(sys.stderr) as status:
        learn = learns_from(Path(gap.path) if gap.path else None)
        if gap.path and not no_related:
            gap = RelatedFiles().added_to(gap, Path(gap.path), engine.info.device)
        request = CompletionRequest(
            gap,
            max_tokens=max_tokens,
            max_ms=max_ms,
            count=count,
            sampling=sampling,
            single_line=single_line,
            raw=raw,
            learn=learn,
            on_progress=_shown_on(status),
        )
        if not engine.info.fill_in:
            click.echo(
                "spectra-chat: this model was not trained to fill in; it is asked in words, which is worse", err=True
            )
        with closing(Completer(engine).complete(request)) as items:
            if as_json:
                suggestions = [item for item in items if isinstance(item, Suggestion)]
                status.clear()
                click.echo(json.dumps(_as_json(suggestions, engine.info)))
            else:
                suggestions = _print(items, status, separate=count > 1)
    if not any(suggestion.text for suggestion in suggestions):
        nothing = "there is no text yet to go by" if _is_blank(gap) else "the model suggests nothing here"
        click.echo(f"spectra-chat: {nothing}", err=True)
    if stats:
        for timings in {id(each.timings): each.timings for each in suggestions}.values():
            click.echo(summary(timings), err=True)
    return 0


def _gap(file: str, at: str | None, suffix_file: str | None, path: str | None) -> FillIn:
    if file == suffix_file == "-":
        raise UsageError("only one of FILE and --suffix-file can be stdin")
    source = read_text_file(file)
    name = path or ("" if file == "-" else file)
    if suffix_file is not None:
        if at is not None:
            raise UsageError("--suffix-file goes without --at: FILE is all that precedes the place")
        return FillIn(source.text, read_text_file(suffix_file).text, path=name)
    offset = len(source.text) if at is None else source.offset(at)
    return FillIn(source.text[:offset], source.text[offset:], path=name)


def _is_blank(gap: FillIn) -> bool:
    return not gap.extra and not (gap.prefix + gap.suffix).strip()


def _shown_on(status: StatusLine) -> Callable[[PromptProgress], None]:
    return lambda event: status.show(f"reading {event.done} of {event.total} tokens around the place")


def _extra(name: str) -> ExtraFile:
    return ExtraFile(name, with_plain_ends(read_text_file(name).text))


def _print(items: Iterator[Piece | Suggestion], status: StatusLine, *, separate: bool) -> list[Suggestion]:
    """Prints the first suggestion as it grows; several are each followed by a zero byte (``read -d ''``)."""
    suggestions: list[Suggestion] = []
    n_printed = 0
    for item in items:
        status.clear()
        if isinstance(item, Suggestion):
            write_text(item.text[n_printed:])
            if separate:
                sys.stdout.write("\0")
            suggestions.append(item)
            n_printed = 0
        else:
            write_text(item.text)
            n_printed += len(item.text)
    if not suggestions:
        raise SpectraError("the suggestion has no end")
    return suggestions


def _as_json(suggestions: list[Suggestion], info: ModelInfo) -> dict[str, object]:
    from spectra_local.catalogue.naming import name_of

    return {
        "content": suggestions[0].text if suggestions else "",
        "model": name_of(info.path, info.name),
        "by_instruction": not info.fill_in,
        "suggestions": [
            {
                "content": each.text,
                "finish_reason": each.finish_reason,
                "timings": timings_json(each.timings),
            }
            for each in suggestions
        ],
    }
