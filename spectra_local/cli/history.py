"""``spectra-chat history``: what was learned from earlier sessions, where it lies, how to move and how to erase it."""

import click

from spectra_local.cli.lazy import LazyGroup

_SUBCOMMANDS = {
    "stats": ("spectra_local.cli.history_stats:stats", "What is kept, by layer and month, and what it saved."),
    "path": ("spectra_local.cli.history_stats:path", "Print where the history lies: the only copy of it."),
    "export": ("spectra_local.cli.history_transfer:export", "Write history to a file, without what looks secret."),
    "import": ("spectra_local.cli.history_transfer:import_", "Add such a file as a removable layer."),
    "layers": (
        "spectra_local.cli.history_transfer:layers",
        "List the own history, imports and corpora; switch them off and on.",
    ),
    "conversations": (
        "spectra_local.cli.history_conversations:conversations",
        "List what was learned by conversation.",
    ),
    "remove": ("spectra_local.cli.history_transfer:remove", "Erase an import or a corpus."),
    "forget": ("spectra_local.cli.history_forget:forget", "Erase turns, really: from rows, index, free pages and log."),
    "verify": ("spectra_local.cli.history_verify:verify", "Check every row and the index; save what is whole."),
}


@click.group(cls=LazyGroup, lazy=_SUBCOMMANDS)
def history() -> None:
    """What was said here and learned from it: the only copy of your history. It is no cache."""
