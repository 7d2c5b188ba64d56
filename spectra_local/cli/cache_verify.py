"""``cache verify``."""

import json
from dataclasses import asdict

import click

from spectra_local.printable import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(as_json: bool) -> int:
    """Check every row and the index; save what is whole. Exit code 1 where something is damaged."""
    from spectra_local.history.database import Database
    from spectra_local.history.verify import verify as check

    database = Database()
    try:
        found = check(database)
        notice = database.notice
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps(asdict(found) | {"notice": notice}))
        return 0 if found.whole else 1
    if notice:
        click.echo(printable(notice))
    for row in found.rows:
        click.echo(f"turn {row} is damaged")
    for line in (*found.file, *found.segments):
        click.echo(f"damaged: {printable(line)}")
    if found.salvaged:
        click.echo(f"whole turns were saved to {found.salvaged}; the damaged file stays as it is")
    click.echo(f"{found.turns} turns are whole")
    return 0 if found.whole else 1
