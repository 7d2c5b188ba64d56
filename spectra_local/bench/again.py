"""``python -m spectra_local.bench.again MODEL.gguf ITEMS.jsonl``: the same requests a second time, after a restart.

Three engines one after the other, each a new process, two of them with one history in a temporary home: plain decoding,
a first time, a second time. Greedy; only generating is timed. Prints tokens/s, steps and what was accepted.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from spectra_local.bench.workload import Prompt, read_prompts
from spectra_local.errors import SpectraError
from spectra_local.protocol import Done, EngineOptions, FillIn, Request, Text, Timings
from spectra_local.worker import EngineProcess

_N_CTX = 4096
_PASSES = ("plain", "first", "second")


@dataclass(slots=True)
class Pass:
    """All answers of one process."""

    texts: list[str] = field(default_factory=list)
    timings: list[Timings] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Sums over the answers; the estimate is the engine's own, weighed by time."""
        milliseconds = sum(t.predicted_ms for t in self.timings)
        plain_ms = sum(t.predicted_ms * t.speedup_estimate for t in self.timings)
        sources: dict[str, int] = {}
        for timings in self.timings:
            for source, n in timings.accepted_by_source.items():
                sources[source] = sources.get(source, 0) + n
        return {
            "predicted_n": sum(t.predicted_n for t in self.timings),
            "predicted_per_second": round(1000 * sum(t.predicted_n for t in self.timings) / milliseconds, 2),
            "steps": sum(t.steps for t in self.timings),
            "draft_n": sum(t.draft_n for t in self.timings),
            "draft_n_accepted": sum(t.draft_n_accepted for t in self.timings),
            "speedup_estimate": round(plain_ms / milliseconds, 3),
            "accepted_by_source": sources,
        }


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option("--n-items", type=click.IntRange(1), default=12, show_default=True, help="Items, spread over the file.")
@click.option("-n", "--max-tokens", type=click.IntRange(2), default=96, show_default=True)
@click.option("--exact", is_flag=True, help="Exact mode: all texts must be the same.")
def main(model: Path, items: Path, n_items: int, max_tokens: int, exact: bool) -> None:
    """Measure, and print one JSON object."""
    prompts = read_prompts([items])
    prompts = prompts[:: max(1, len(prompts) // n_items)][:n_items]
    passes: dict[str, Pass] = {}
    with tempfile.TemporaryDirectory(prefix="spectra-again-") as home:
        os.environ["SPECTRA_HOME"] = home
        for name in _PASSES:
            options = EngineOptions(n_ctx=_N_CTX, exact=exact, history=name != "plain")
            passes[name] = _asked(model, options, prompts, max_tokens, speculate=name != "plain")
            click.echo(f"{name}  {json.dumps(passes[name].figures())}", err=True)
    figures = {name: of.figures() for name, of in passes.items()}
    plain = figures["plain"]["predicted_per_second"]
    for of in figures.values():
        of["speed"] = round(of["predicted_per_second"] / plain, 3)
    same = [sum(map(str.__eq__, of.texts, passes["plain"].texts)) for of in passes.values()]
    click.echo(json.dumps({"model": model.name, "items": len(prompts), "same_text": min(same), **figures}))


def _asked(model: Path, options: EngineOptions, prompts: Sequence[Prompt], max_tokens: int, *, speculate: bool) -> Pass:
    """Every prompt once, in a new process."""
    found = Pass()
    with closing(EngineProcess(model, options)) as engine:
        for _ in engine.load():
            pass
        can_fill_in = bool(engine.info.fill_in)
        for prompt in prompts:
            if prompt.fills_in and not can_fill_in:
                continue
            text = ""
            for event in engine.generate(_request(prompt, max_tokens, speculate=speculate)):
                if isinstance(event, Text):
                    text += event.text
                elif isinstance(event, Done):
                    found.timings.append(event.timings)
            found.texts.append(text)
    if not found.timings:
        raise SpectraError("this model can be asked none of the items")
    return found


def _request(prompt: Prompt, max_tokens: int, *, speculate: bool) -> Request:
    if prompt.fills_in:
        gap = FillIn(prompt.prefix, prompt.suffix)
        return Request(fill_in=gap, max_tokens=max_tokens, speculate=speculate, kind="complete")
    return Request(messages=prompt.messages, max_tokens=max_tokens, speculate=speculate)


if __name__ == "__main__":
    try:
        main()
    except SpectraError as error:
        sys.exit(f"again: {error}")
