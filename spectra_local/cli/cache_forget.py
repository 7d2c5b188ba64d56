"""``cache forget``."""

import datetime

import click

from spectra_local.errors import UsageError


@click.command()
@click.option("--conversation", metavar="ID", help="Turns of this conversation.")
@click.option("--containing", metavar="TEXT", help="Turns whose text holds this; case does not matter.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Turns older than this day.")
@click.option("--all", "everything", is_flag=True, help="Everything.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def forget(
    conversation: str | None, containing: str | None, before: datetime.datetime | None, everything: bool, yes: bool
) -> None:
    """Erase turns for good: from rows, index, free pages and log. Options together narrow it."""
    narrowed = conversation or containing or before
    if containing == "" or not (narrowed or everything):
        raise UsageError("say what to forget: --conversation ID, --containing TEXT, --before DATE or --all")
    if narrowed and everything:
        raise UsageError("--all goes with no other choice")
    if everything and not yes:
        click.confirm("Erase the whole history?", abort=True, err=True)
    from spectra_local.history.database import Database
    from spectra_local.history.store import Store

    database = Database()
    try:
        gone = Store(database).forget(
            conversation=conversation,
            containing=containing,
            before=before.timestamp() if before else None,
            everything=everything,
        )
    finally:
        database.close()
    click.echo(f"{gone} turn{'s' * (gone != 1)} erased")
