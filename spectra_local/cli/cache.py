"""``spectra-chat cache``: what was learned from earlier sessions, where it lies, how to move and how to erase it."""

import click

from spectra_local.cli.lazy import LazyGroup

_SUBCOMMANDS = {
    "stats": ("spectra_local.cli.cache_stats:stats", "What is kept, by layer and month, and what it saved."),
    "path": ("spectra_local.cli.cache_stats:path", "Print where the history lies."),
    "export": ("spectra_local.cli.cache_transfer:export", "Write history to a file, without what looks secret."),
    "import": ("spectra_local.cli.cache_transfer:import_", "Add such a file as a removable layer."),
    "layers": ("spectra_local.cli.cache_transfer:layers", "List the own history, the imports and the corpora."),
    "conversations": (
        "spectra_local.cli.cache_conversations:conversations",
        "List what was learned by conversation.",
    ),
    "remove": ("spectra_local.cli.cache_transfer:remove", "Erase an import or a corpus."),
    "forget": ("spectra_local.cli.cache_forget:forget", "Erase turns, really: from rows, index, free pages and log."),
    "verify": ("spectra_local.cli.cache_verify:verify", "Check every row and the index; save what is whole."),
}


@click.group(cls=LazyGroup, lazy=_SUBCOMMANDS)
def cache() -> None:
    """The personal history that drafts are read from."""
