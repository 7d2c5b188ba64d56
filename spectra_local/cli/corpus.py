"""``spectra-chat corpus``: text of the user's choice to guess from, filtered by the model itself."""

import click

from spectra_local.cli.lazy import LazyGroup

_SUBCOMMANDS = {
    "add": ("spectra_local.cli.corpus_add:add", "Read files and folders, keep what the model finds easiest."),
    "list": ("spectra_local.cli.corpus_list:list_", "Show what was seen, what is kept, and how easy it is."),
    "refresh": ("spectra_local.cli.corpus_add:refresh", "Read them again; only what changed is scored."),
    "remove": ("spectra_local.cli.corpus_list:remove", "Erase a corpus, really."),
}


@click.group(cls=LazyGroup, lazy=_SUBCOMMANDS)
def corpus() -> None:
    """Text of your choice to guess from, filtered by the model itself."""
