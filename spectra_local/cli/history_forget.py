"""``history forget``."""

import datetime
import sys
from contextlib import closing
from dataclasses import astuple
from typing import TYPE_CHECKING

import click

from spectra_local.errors import SpectraError, StoreError, UsageError
from spectra_local.printable import printable_line

if TYPE_CHECKING:
    from spectra_local.chats.forgetting import Gone
    from spectra_local.history.forgetting import Forget


class _Day(click.DateTime):
    name = "day"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime.datetime:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:  # it words the format as strptime does
            self.fail(f"'{printable_line(str(value))}' is no day; say it as YYYY-MM-DD", param, ctx)


@click.command()
@click.option("--conversation", metavar="ID", help="Turns of this conversation; chat-7 is the saved chat 7.")
@click.option(
    "--containing", metavar="TEXT", help="Turns, messages and texts of corpora that hold this; case does not matter."
)
@click.option(
    "--before",
    type=_Day(),
    metavar="YYYY-MM-DD",
    help="What was said before this day; imports and file corpora stay.",
)
@click.option("--all", "everything", is_flag=True, help="Everything.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def forget(
    conversation: str | None, containing: str | None, before: datetime.datetime | None, everything: bool, yes: bool
) -> None:
    """Erase what was learned and saved, for good. Options together narrow it.

    It leaves the database and its old copies, the index, the N-gram statistics and what the editor kept of unsaved
    files. In a saved chat that goes on, "(forgotten)" stands where a message was. What a corpus's files still hold
    comes back with 'corpus refresh'.
    """
    narrowed = conversation or containing or before
    if containing == "" or conversation == "" or not (narrowed or everything):
        raise UsageError("say what to forget: --conversation ID, --containing TEXT, --before DATE or --all")
    if narrowed and everything:
        raise UsageError("--all goes with no other choice")
    from spectra_local.history.forgetting import Forget

    what = Forget(conversation, containing, before.timestamp() if before else None, everything)
    try:
        gone = _erased(what, yes)
    except StoreError as error:
        if not everything:
            raise
        _erase_files(error, yes)
        gone = None
    for line in _kept_settings(what):
        click.echo(line, err=True)
    if gone is None:
        click.echo("erased: everything")
        return
    if conversation and gone.is_empty:
        raise SpectraError(
            f"nothing is kept of a conversation '{printable_line(conversation)}'"
            f"{' that fits' if containing or before else ''}; spectra-chat history conversations lists their names"
        )
    click.echo(f"erased: {gone}")


def _erased(what: "Forget", yes: bool) -> "Gone":
    from spectra_local.chats.forgetting import forget as erase
    from spectra_local.chats.forgetting import preview
    from spectra_local.history.database import Database

    with closing(Database()) as database:
        coming = preview(database, what)
        if not yes and any(astuple(coming)) and not (what.conversation and coming.is_empty):
            _confirm(f"This erases {coming}.")
        return erase(database, what)  # also where nothing fits: what an earlier try left behind goes now


def _erase_files(error: StoreError, yes: bool) -> None:
    """Everything, where rows cannot be erased."""
    from spectra_local.chats.forgetting import forget_everything

    if not yes:
        _confirm(f"{printable_line(str(error))}. This erases all that is kept, without counting it.")
    forget_everything()


def _kept_settings(what: "Forget") -> list[str]:
    """Text that the user wrote into the settings is theirs to take out."""
    from spectra_local.settings import load_settings, settings_file

    if what.conversation or what.before is not None:
        return []
    names = [printable_line(name) for name, text in load_settings()[0].systems.items() if what.fits(name, text)]
    path = printable_line(str(settings_file()))
    return [f"still there: system prompt '{name}' in {path}; take it out there" for name in names]


def _confirm(sentence: str) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SpectraError(f"{sentence} Say so with --yes; nothing was erased")
    click.echo(sentence, err=True)
    if not click.confirm("Go on?", err=True):
        raise SpectraError("nothing was erased")
