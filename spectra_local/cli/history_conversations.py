"""``history conversations``."""

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime

import click

from spectra_local.printable import printable_line

_WORDS = 48  # characters of a conversation's beginning


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def conversations(as_json: bool) -> None:
    """List what was learned by conversation, the latest first: export and forget take these names."""
    from spectra_local.history.database import Database
    from spectra_local.history.store import Store

    with closing(Database()) as database:
        found = Store(database).conversations()
    if as_json:
        rows = [asdict(each) | {"latest": datetime.fromtimestamp(each.latest, UTC).isoformat()} for each in found]
        click.echo(json.dumps({"conversations": rows}, indent=2))
        return
    width = max(len("NAME"), *(len(each.name) for each in found)) if found else len("NAME")
    click.echo(f"{'NAME':{width}}  {'LATEST':10}  {'TURNS':>6}  {'TOKENS':>9}  BEGINS")
    for each in found:
        words = printable_line(" ".join(each.begins.split()))
        shown = words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"
        name = printable_line(each.name)
        day = date.fromtimestamp(each.latest)
        click.echo(f"{name:{width}}  {day}  {each.turns:6,}  {each.tokens:9,}  {shown}".rstrip())
