"""``spectra-chat cache``: the history of earlier sessions. Only the table of its commands; each is imported when used."""

import click

from spectra_local.cli.lazy import LazyGroup

_SUBCOMMANDS = {
    "export": ("spectra_local.cli.cache_transfer:export", "Write history to a file, without what looks secret."),
    "import": ("spectra_local.cli.cache_transfer:import_", "Add such a file as a removable layer."),
    "layers": ("spectra_local.cli.cache_transfer:layers", "List the own history and the imports."),
    "remove": ("spectra_local.cli.cache_transfer:remove", "Erase an import."),
}


@click.group(cls=LazyGroup, lazy=_SUBCOMMANDS)
def cache() -> None:
    """The history that guesses come from: move it, list it, remove it."""
