"""``python -m spectra_local.bench.rewriting MODEL.gguf ITEMS.jsonl``: what a rewriting gains from its original.

Each item (code, instruction) is rewritten greedily twice, with the original as prediction and then plain: the other
way round the answer would be known from the plain run. One engine, only generating is timed. Prints tokens/s and their
ratio by item. ``--from`` goes on where an earlier run was ended.
"""

import json
import statistics
import sys
from contextlib import closing
from pathlib import Path

import click

from spectra_local.completion.rewrite import RewriteRequest, Rewritten, rewrite
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions, Timings
from spectra_local.text_file import lines_of
from spectra_local.worker import EngineProcess

_N_CTX = 4096


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option("--n-items", type=click.IntRange(1), default=20, show_default=True, help="Items, spread over the file.")
@click.option("--from", "first", type=click.IntRange(0), default=0, help="Leave out so many of them.")
@click.option("--exact", is_flag=True, help="Exact mode: both outputs must be the same.")
def main(model: Path, items: Path, n_items: int, first: int, exact: bool) -> None:
    """Measure, and print one JSON object."""
    rows = [json.loads(line) for line in lines_of(items.read_text("utf-8"))]
    rows = rows[:: max(1, len(rows) // n_items)][:n_items][first:]
    engine = EngineProcess(model, EngineOptions(n_ctx=_N_CTX, exact=exact))
    for _ in engine.load():
        pass
    ratios: list[float] = []
    n_same = n_refused = 0
    with closing(engine):
        for row in rows:
            try:
                runs = {speculate: _run(engine, row, speculate=speculate) for speculate in (True, False)}
            except SpectraError as error:
                n_refused += 1
                click.echo(f"{row['id']}  {error}", err=True)
                continue
            ratios.append(runs[True][1] / runs[False][1])
            n_same += runs[True][0] == runs[False][0]
            drafted = runs[True][2]
            click.echo(
                f"{row['id']}  {runs[False][1]:.1f} -> {runs[True][1]:.1f} t/s  {ratios[-1]:.3f}  "
                f"{drafted.predicted_n} tokens in {drafted.steps} passes, {drafted.draft_n_accepted} of "
                f"{drafted.draft_n} drafted accepted, estimate {drafted.speedup_estimate:.2f}",
                err=True,
            )
    if not ratios:
        raise SpectraError("no item was answered with a replacement")
    figures = {
        "geometric_mean": round(statistics.geometric_mean(ratios), 3),
        "least": round(min(ratios), 3),
        "same_text": n_same,
        "refused": n_refused,
    }
    click.echo(json.dumps({"model": model.name, "items": len(ratios), **figures}))


def _run(engine: EngineProcess, row: dict[str, str], *, speculate: bool) -> tuple[str, float, Timings]:
    """The new text, the tokens generated a second, and the counts of the first region."""
    for item in rewrite(engine, RewriteRequest(row["code"], row["instruction"], speculate=speculate)):
        if isinstance(item, Rewritten):
            n = sum(each.predicted_n for each in item.timings)
            return item.text, 1000 * n / sum(each.predicted_ms for each in item.timings), item.timings[0]
    raise SpectraError("no rewriting came")


if __name__ == "__main__":
    try:
        main()
    except SpectraError as error:
        sys.exit(f"rewriting: {error}")
