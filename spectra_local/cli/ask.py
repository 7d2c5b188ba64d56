"""``spectra-chat ask``: one answer on stdout, as it comes."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing

import click

from spectra_local.cli.opening import open_engine
from spectra_local.cli.options import WantedModel, engine_options, sampling_options
from spectra_local.cli.piped import piped_text
from spectra_local.cli.status import StatusLine
from spectra_local.errors import SpectraError, UsageError
from spectra_local.printable import printable, printable_line
from spectra_local.protocol import (
    LONGEST_ANSWER,
    Done,
    EngineOptions,
    Event,
    Message,
    ModelInfo,
    Notice,
    PromptProgress,
    Request,
    Sampling,
    Text,
    Timings,
)
from spectra_local.timings_json import timings_json


@click.command()
@click.argument("prompt", required=False)
@engine_options
@sampling_options
@click.option("-s", "--system", metavar="TEXT", help="System message.")
@click.option(
    "-n",
    "--max-tokens",
    type=click.IntRange(min=-1),
    metavar="N",
    help=f"Most tokens to generate, -1 for no limit.  [default: {LONGEST_ANSWER}; no limit with --raw]",
)
@click.option("--stop", multiple=True, metavar="TEXT", help="End the answer before this text; may be repeated.")
@click.option(
    "--raw",
    is_flag=True,
    help="Continue the prompt as it stands, files and stdin included, without a chat template: names of control "
    "tokens in it are those tokens.",
)
@click.option("--plain", is_flag=True, help="Ordinary decoding, one token a pass, for comparison.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--stats", is_flag=True, help="Print counts and speeds on stderr.")
def ask(
    prompt: str | None,
    model: WantedModel,
    options: EngineOptions,
    sampling: Sampling,
    system: str | None,
    max_tokens: int | None,
    stop: tuple[str, ...],
    raw: bool,
    plain: bool,
    as_json: bool,
    stats: bool,
) -> int:
    """Answer PROMPT; what comes on stdin is appended to it.

    \b
    spectra-chat ask "What does umask 077 do?"
    git diff | spectra-chat ask "Write a commit message for this change"
    """
    text = _prompt_text(prompt)
    if raw and system is not None:
        raise UsageError("--raw takes no --system: there is no chat template to put it into")
    request = request_of(text, sampling, system=system, max_tokens=max_tokens, stop=stop, raw=raw, plain=plain)
    with closing(open_engine(model, options)) as engine, closing(engine.generate(request)) as events:
        try:
            done = _print_json(events, engine.info) if as_json else _print_text(events)
        except KeyboardInterrupt:
            if not as_json:
                click.echo()  # the shell's prompt starts on a line of its own
            raise
    if max_tokens is None and done.finish_reason == "length":
        words = f"the answer was ended after {done.timings.predicted_n} tokens"
        click.echo(f"spectra-chat: {words}; --max-tokens N allows more, -1 any number", err=True)
    if stats:
        click.echo(summary(done.timings), err=True)
    return 0


def request_of(
    text: str,
    sampling: Sampling,
    *,
    system: str | None = None,
    max_tokens: int | None = None,
    stop: tuple[str, ...] = (),
    raw: bool = False,
    plain: bool = False,
) -> Request:
    """What is asked of the model. Unless the caller said how long the answer may be (-1: any length), a loop is ended,
    and so is what never comes to an end by itself."""
    limit = max_tokens if max_tokens is not None or raw else LONGEST_ANSWER
    head = (Message("system", system),) if system else ()
    return Request(
        messages=() if raw else (*head, Message("user", text)),
        prompt=text if raw else None,
        sampling=sampling,
        max_tokens=None if limit == -1 else limit,
        stop=stop,
        end_loops=max_tokens is None and not raw,
        speculate=not plain,
    )


def _prompt_text(argument: str | None) -> str:
    """The argument, then what is piped. Raises UsageError, SpectraError."""
    piped = piped_text(alone=not (argument or "").strip())
    text = "\n\n".join(part for part in (argument or "", piped.strip("\n")) if part.strip())
    if not text:
        raise UsageError("the prompt is empty: give it as an argument or on stdin")
    return text


def _words(event: Event, status: StatusLine) -> None:
    """What is no part of the answer goes to stderr."""
    if isinstance(event, Notice):
        status.clear()
        click.echo(f"spectra-chat: {printable_line(event.text)}", err=True)
    elif isinstance(event, PromptProgress):
        status.show(f"reading the prompt  {event.done} of {event.total} tokens")
    else:
        status.clear()


def _print_text(events: Iterator[Event]) -> Done:
    ended = "\n"
    with StatusLine(sys.stderr) as status:
        for event in events:
            _words(event, status)
            if isinstance(event, Text) and event.text:
                sys.stdout.write(printable(event.text))
                sys.stdout.flush()
                ended = event.text[-1]
            elif isinstance(event, Done):
                if ended != "\n":
                    click.echo()
                return event
    raise SpectraError("the answer has no end")


def _print_json(events: Iterator[Event], info: ModelInfo) -> Done:
    from spectra_local.catalogue.naming import name_of

    content: list[str] = []
    with StatusLine(sys.stderr) as status:
        for event in events:
            _words(event, status)
            if isinstance(event, Text):
                content.append(event.text)
            elif isinstance(event, Done):
                answer = {
                    "content": "".join(content),
                    "model": name_of(info.path, info.name),
                    "finish_reason": event.finish_reason,
                    "timings": timings_json(event.timings),
                }
                click.echo(json.dumps(answer))
                return event
    raise SpectraError("the answer has no end")


def summary(timings: Timings) -> str:
    """One line for people."""
    line = (
        f"[ prompt: {timings.prompt_n} tokens, {timings.prompt_per_second:.1f} t/s"
        f" | generation: {timings.predicted_n} tokens, {timings.predicted_per_second:.1f} t/s"
    )
    line += f" | {timings.steps} step{'s' * (timings.steps != 1)}, drafted {timings.draft_n}"
    if timings.draft_n:
        line += f", accepted {timings.draft_n_accepted}, speed-up by the cost curve {timings.speedup_estimate:.2f}"
    return line + " ]"
