"""``python -m spectra_local.bench.infilling MODEL.gguf ITEMS.jsonl --llama-server PATH``: how well gaps are filled.

Each item (prefix, suffix, reference) is completed by us with the stop rules (``ours``) and without them (``ours raw``),
and by llama-server's /infill on the same file with the same settings: greedy, same limit of tokens, one after the
other. Prints exact matches (white space at the ends aside) and the mean similarity to the reference (difflib's ratio).
With ``--answers FILE`` each item's answers are kept there as it ends, and a later run goes on after them.
"""

import json
import statistics
import sys
from collections.abc import Callable
from contextlib import closing
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import click

from spectra_local.bench.llama_server import Server
from spectra_local.completion.completer import Completer, CompletionRequest, Suggestion
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions, FillIn
from spectra_local.text_file import lines_of
from spectra_local.worker import EngineProcess

_N_CTX = 4096

Fill = Callable[[dict[str, str]], str]


def exact(text: str, reference: str) -> bool:
    """Whether both say the same, white space at the ends aside."""
    return text.strip() == reference.strip()


def similarity(text: str, reference: str) -> float:
    """1 for the same text, 0 for nothing in common."""
    return SequenceMatcher(None, text.strip(), reference.strip(), autojunk=False).ratio()


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option("--llama-server", "server", type=click.Path(path_type=Path), help="Compare with its /infill.")
@click.option("--n-items", type=click.IntRange(1), default=40, show_default=True, help="Items, spread over the file.")
@click.option("-n", "--max-tokens", type=click.IntRange(1), default=64, show_default=True)
@click.option("--answers", "kept", type=click.Path(path_type=Path), help="Keep answers here; go on after those there.")
def main(model: Path, items: Path, server: Path | None, n_items: int, max_tokens: int, kept: Path | None) -> None:
    """Measure, and print one JSON object."""
    rows = [json.loads(line) for line in lines_of(items.read_text("utf-8"))]
    rows = rows[:: max(1, len(rows) // n_items)][:n_items]
    run = {"model": model.name, "max_tokens": max_tokens, "with_server": server is not None}
    known = _known_answers(kept, run)
    engine = EngineProcess(model, EngineOptions(n_ctx=_N_CTX))
    for _ in engine.load():
        pass
    fills: dict[str, Fill] = {
        "ours": lambda row: _ours(engine, row, max_tokens, raw=False),
        "ours raw": lambda row: _ours(engine, row, max_tokens, raw=True),
    }
    other = None
    if server is not None:
        other = Server([str(server), "-m", str(model), "-c", str(_N_CTX), "-np", "1", "--host", "127.0.0.1"])
        other.wait_until_ready()
        running = other
        fills["llama-server"] = lambda row: _theirs(running, row, max_tokens)
    answers: list[dict[str, str]] = []
    with closing(engine):
        try:
            for number, row in enumerate(rows, 1):
                if (given := known.get(row["id"])) is None:
                    given = {name: fill(row) for name, fill in fills.items()}
                    _keep(kept, {"id": row["id"], "run": run, "answers": given})
                answers.append(given)
                click.echo(f"{number} of {len(rows)}  {json.dumps(_figures(rows, answers))}", err=True)
        finally:
            if other:
                other.stop()
    click.echo(json.dumps({"model": model.name, "items": len(rows), **_figures(rows, answers)}))


def _known_answers(kept: Path | None, run: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Answers by item that an earlier run with the same settings kept."""
    lines = lines_of(kept.read_text("utf-8")) if kept and kept.exists() else []
    return {row["id"]: row["answers"] for row in map(json.loads, lines) if row["run"] == run}


def _keep(kept: Path | None, row: dict[str, Any]) -> None:
    if kept:
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _figures(rows: list[dict[str, str]], answers: list[dict[str, str]]) -> dict[str, Any]:
    return {
        name: {
            "exact": sum(exact(given[name], row["reference"]) for row, given in zip(rows, answers, strict=False)),
            "similarity": round(
                statistics.mean(
                    similarity(given[name], row["reference"]) for row, given in zip(rows, answers, strict=False)
                ),
                4,
            ),
        }
        for name in answers[0]
    }


def _ours(engine: EngineProcess, row: dict[str, str], max_tokens: int, *, raw: bool) -> str:
    request = CompletionRequest(FillIn(row["prefix"], row["suffix"]), max_tokens, raw=raw)
    for item in Completer(engine).complete(request):
        if isinstance(item, Suggestion):
            return item.text
    raise SpectraError("no suggestion came")


def _theirs(server: Server, row: dict[str, str], max_tokens: int) -> str:
    body = {"input_prefix": row["prefix"], "input_suffix": row["suffix"], "n_predict": max_tokens, "temperature": 0.0}
    return str(server.post("/infill", body)["content"])


if __name__ == "__main__":
    try:
        main()
    except SpectraError as error:
        sys.exit(f"infilling: {error}")
