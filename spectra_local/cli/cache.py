"""``spectra-chat cache``: what was learned from earlier sessions, where it lies, and how to erase it."""

import click

from spectra_local.cli.lazy import LazyGroup

_SUBCOMMANDS = {
    "stats": ("spectra_local.cli.cache_stats:stats", "What is kept, by layer and month, and what it saved."),
    "path": ("spectra_local.cli.cache_stats:path", "Print where the history lies."),
    "forget": ("spectra_local.cli.cache_forget:forget", "Erase turns, really: from rows, index, free pages and log."),
    "verify": ("spectra_local.cli.cache_verify:verify", "Check every row and the index; save what is whole."),
}


@click.group(cls=LazyGroup, lazy=_SUBCOMMANDS)
def cache() -> None:
    """The personal history that drafts are read from."""
