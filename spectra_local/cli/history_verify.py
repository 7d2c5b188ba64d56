"""``history verify``."""

import json
from dataclasses import asdict

import click

from spectra_local.printable import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(as_json: bool) -> int:
    """Check every row and the index; save what is whole. Exit code 1 where something is damaged."""
    from spectra_local.chats.verifying import verify_all
    from spectra_local.history.database import Database

    database = Database()
    try:
        found = verify_all(database)
        notice = database.notice
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps(asdict(found) | {"notice": notice}))
        return 0 if found.whole else 1
    if notice:
        click.echo(printable(notice))
    for table, rows in found.rows.items():
        for row in rows:
            click.echo(f"{table.removesuffix('s')} {row} is damaged")
    for line in (*found.file, *found.segments):
        click.echo(f"damaged: {printable(line)}")
    if found.salvaged:
        click.echo(f"{found.saved} whole rows were saved to {printable(found.salvaged)}")
        if found.kept:
            click.echo(f"the damaged file is kept as {printable(found.kept)}")
        else:
            click.echo("another program has the damaged file open: close it, then run 'history verify' again")
    click.echo(f"{found.turns} turns are whole")
    return 0 if found.whole else 1
