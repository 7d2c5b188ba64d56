"""``history stats`` and ``history path``."""

import json
from typing import Any

import click

from spectra_local.byte_size import byte_size
from spectra_local.locations import database_file
from spectra_local.printable import printable


@click.command()
def path() -> None:
    """Print where the history lies: the only copy of it, chats included."""
    click.echo(database_file())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stats(as_json: bool) -> None:
    """Show what is kept, by layer and month, and what it saved."""
    from spectra_local.history.statistics import read_statistics, statistics_json

    found = statistics_json(read_statistics())
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(_table(found))


def _table(found: dict[str, Any]) -> str:
    saved = found["saved"]
    lines = [f"{'layer':<20} {'turns':>9} {'tokens':>12} {'size':>10}"]
    for layer in found["layers"]:
        name = printable(layer["name"]) + ("" if layer["enabled"] else " (off)")
        lines.append(f"{name:<20} {layer['turns']:>9,} {layer['tokens']:>12,} {byte_size(layer['bytes']):>10}")
    lines += ["", f"{'month':<20} {'turns':>9} {'tokens':>12}"]
    lines += [f"{month['month']:<20} {month['turns']:>9,} {month['tokens']:>12,}" for month in found["months"]]
    lines += [
        "",
        f"answers        {saved['answers']:,}, {saved['predicted_n']:,} tokens in {saved['steps']:,} passes",
        f"drafted        {saved['draft_n']:,}, accepted {saved['accepted_n']:,}, {saved['from_history']:,} of them "
        "from earlier turns",
        f"saved          {saved['passes_saved']:,} passes, about {saved['saved_ms'] / 1000:,.0f} s (estimated)",
        *(
            f"  {printable(source):<12} {tried['accepted']:,} of {tried['accepted'] + tried['rejected']:,} came true"
            for source, tried in found["sources"].items()
        ),
        f"on disk        {byte_size(found['bytes'])} of at most {byte_size(found['cap'])}; above it imports go "
        "first, then corpora, then old turns that no draft used",
        *(f"  made room      {turns:,} turns of {printable(layer)}" for layer, turns in found["evicted"].items()),
    ]
    return "\n".join(lines)
