"""``python -m spectra_local.bench.keystrokes MODEL.gguf ITEMS.jsonl``: how long somebody who types waits.

Each item is a gap (prefix, suffix). The prompt up to some characters before the cursor is in the KV cache, those are
then typed on: time until the first ghost text, until its first line is whole and until all of it; then one character
of it is typed: time of the answer from what is kept; then a suggestion is cancelled at a random moment: time until the
engine is free. By the way of the editors: completer, pipe, engine in a process of its own.

With ``--keys-per-second`` they are typed as a person does, each key asking anew and cancelling what the one before
asked for: what is typed is evaluated meanwhile, and the times are those after the last key.
"""

import json
import random
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import click

from spectra_local.completion.completer import Completer, CompletionRequest, Suggestion, warm_up
from spectra_local.protocol import EngineOptions, FillIn
from spectra_local.text_file import lines_of
from spectra_local.worker import EngineProcess

_N_CTX = 4096
_LATEST_CANCEL = 0.8  # seconds after the request


@dataclass(slots=True)
class Waits:
    """Milliseconds, by item."""

    first: list[float] = field(default_factory=list)
    line: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    through: list[float] = field(default_factory=list)
    _: KW_ONLY
    cancel: list[float] = field(default_factory=list)
    evaluated: list[float] = field(default_factory=list)  # prompt tokens of a warm request
    empty: int = 0  # items for which nothing was suggested


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option("--n-items", type=click.IntRange(1), default=20, show_default=True, help="Items, spread over the file.")
@click.option("--typed", type=click.IntRange(1), default=130, show_default=True, help="Characters typed on: 40 tokens.")
@click.option("--max-ms", type=click.FloatRange(1), default=1000, show_default=True, help="Time for a suggestion.")
@click.option(
    "--keys-per-second", "speed", type=click.FloatRange(0.1), help="Type them one by one.  [default: at once]"
)
def main(model: Path, items: Path, n_items: int, typed: int, max_ms: float, speed: float | None) -> None:
    """Measure, and print one JSON object."""
    rows = [row for row in map(json.loads, lines_of(items.read_text("utf-8"))) if len(row["prefix"]) > 2 * typed]
    rows = rows[:: max(1, len(rows) // n_items)][:n_items]
    waits = Waits()
    with closing(EngineProcess(model, EngineOptions(n_ctx=_N_CTX))) as engine:
        for _ in engine.load():
            pass
        for number, row in enumerate(rows):
            completer, prefix, suffix = Completer(engine), row["prefix"], row["suffix"]
            for _ in completer.complete(warm_up(FillIn(prefix[:-typed], suffix))):
                pass
            if speed:
                for n in range(len(prefix) - typed, len(prefix)):
                    _press(completer, CompletionRequest(FillIn(prefix[:n], suffix), max_ms=max_ms), 1 / speed)
            _measure(completer, row, typed, max_ms, waits, random.Random(number))  # noqa: S311
            click.echo(f"{row['id']}  {_last(waits)}", err=True)
    figures = {
        "first_ghost_text_ms": _spread(waits.first),
        "first_line_ms": _spread(waits.line),
        "whole_suggestion_ms": _spread(waits.whole),
        "typed_through_ms": _spread(waits.through),
        "cancel_to_idle_ms": _spread(waits.cancel),
        "tokens_evaluated": _spread(waits.evaluated),
    }
    click.echo(json.dumps({"model": model.name, "items": len(rows), "empty": waits.empty, **figures}))


def _last(waits: Waits) -> str:
    """The item's own figures, so that a run that is cut short has said something."""
    series = {
        "first": waits.first,
        "line": waits.line,
        "whole": waits.whole,
        "tokens": waits.evaluated,
        "cancel": waits.cancel,
    }
    return "  ".join(f"{name} {values[-1]:.0f}" for name, values in series.items() if values)


def _measure(
    completer: Completer, row: dict[str, str], typed: int, max_ms: float, waits: Waits, chance: random.Random
) -> None:
    prefix, suffix = row["prefix"], row["suffix"]
    request = CompletionRequest(FillIn(prefix, suffix), max_ms=max_ms, line_first=True)
    started, first, line, text = time.perf_counter(), 0.0, 0.0, ""
    for item in completer.complete(request):
        if item.text.strip():
            first = first or _ms_since(started)
        if isinstance(item, Suggestion):
            line = line or _ms_since(started)
        if isinstance(item, Suggestion) and item.finish_reason != "line":
            text = item.text
            waits.evaluated.append(item.timings.prompt_n)
            if text:
                waits.first.append(first)
                waits.line.append(line)
                waits.whole.append(_ms_since(started))
    if text:
        started = time.perf_counter()
        next(completer.complete(CompletionRequest(FillIn(prefix + text[0], suffix), max_ms=max_ms)))
        waits.through.append(_ms_since(started))
    else:
        waits.empty += 1
    waits.cancel.append(_cancelled(completer, FillIn(prefix[: -typed // 2], suffix), chance))


def _press(completer: Completer, request: CompletionRequest, seconds: float) -> None:
    """Asks, and cancels after so long, when the next key comes."""
    asking = threading.Thread(target=lambda: list(completer.complete(request)))
    asking.start()
    asking.join(seconds)
    completer.cancel()
    asking.join()


def _cancelled(completer: Completer, gap: FillIn, chance: random.Random) -> float:
    """Milliseconds from a cancel at a random moment, in prefill or while generating, to the request's end."""
    cancelled: list[float] = []

    def cancel() -> None:
        cancelled.append(time.perf_counter())
        completer.cancel()

    timer = threading.Timer(chance.uniform(0, _LATEST_CANCEL), cancel)
    events = completer.complete(CompletionRequest(gap, max_tokens=_N_CTX // 2, raw=True))
    timer.start()
    for _ in events:
        pass
    timer.join()
    return _ms_since(cancelled[0])


def _ms_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("max", 1.0))
        if ordered
    }


if __name__ == "__main__":
    main()
