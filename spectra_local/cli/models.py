"""``spectra-chat models``: what can be fetched, what is here, and where it lies."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from spectra_local import catalogue, locations
from spectra_local.catalogue import added, lookup
from spectra_local.catalogue.default import default_row, name_for_option
from spectra_local.catalogue.entries import entries, entry_named
from spectra_local.catalogue.gguf_peek import parts
from spectra_local.catalogue.listing import ModelRow, rows
from spectra_local.catalogue.on_disk import ModelOnDisk, find_all
from spectra_local.catalogue.partial_file import partial_files
from spectra_local.cli.choice import can_ask
from spectra_local.cli.fetching import fetch, settle_licence
from spectra_local.cli.model_list import as_table
from spectra_local.errors import ModelNotFoundError, SpectraError, UsageError
from spectra_local.llama.memory import available_bytes
from spectra_local.locations import expanded
from spectra_local.printable import printable_line
from spectra_local.settings import change_setting


def complete_model_name(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Shell completion for every argument that takes a model's name."""
    return [name for name in lookup.known_names() if name.lower().startswith(incomplete.lower())]


@click.group()
def models() -> None:
    """Models: list, fetch, add, remove."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def list_models(as_json: bool) -> None:
    """What can be fetched and what is on this disk already, other programs' models included."""
    memory = available_bytes()
    found = rows(entries(), find_all(), memory)
    default = default_row(found)
    if as_json:
        document = {
            "default": default.name if default else None,
            "memory_available": memory,
            "models": [row.as_json(is_default=row is default) for row in found],
        }
        click.echo(json.dumps(document, indent=2))
        return
    for line in as_table(found, default):
        click.echo(printable_line(line))
    _explain(found)


@models.command()
@click.argument("name", shell_complete=complete_model_name)
@click.option("--accept-licence", is_flag=True, help="Accept the model's licence without being asked.")
def pull(name: str, accept_licence: bool) -> None:
    """Fetch a model of the catalogue; prints where it lies."""
    entry = lookup.entry_meant(name)
    here = lookup.file_of(entry, find_all())
    if here is not None and entry.may_have_size(here.n_bytes):
        click.echo(f"{entry.name} is on this disk already ({here.where})", err=True)
        _echo_path(here.path)
        return
    settle_licence(entry, accepted=accept_licence)
    _echo_path(fetch(entry))


@models.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="What to call it; by default the file's name.")
def add(path: Path, name: str | None) -> None:
    """Use a GGUF file where it lies, under a name."""
    from spectra_local.llama.gguf import read_header  # a tenth of the start of every other command

    path = expanded(path).absolute()
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no file"
        raise ModelNotFoundError(f"{printable_line(str(path))} is {kind}; name a .gguf file")
    header = read_header(path)
    name = added.name_for(path) if name is None else name
    taken = {model.name.lower(): model.path for model in added.added_models()}
    if entry_named(name) is not None or taken.get(name.lower(), path) != path:
        raise UsageError(f"the name {printable_line(name)} is taken; choose another with --name")
    added.remember(name, path)
    click.echo(f"added {printable_line(header.name or path.name)} as {name}; the file stays where it is", err=True)


@models.command()
@click.argument("name", shell_complete=complete_model_name)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Delete a model that was fetched, or forget one that was added; other programs' files are left alone."""
    model = _named_exactly(name)
    if model is None:
        _remove_remains(name)
    elif model.where == "own":
        _confirm_deletion(model, yes)
        _delete([*parts(model.path), *partial_files(model.path)])
        click.echo(f"removed {printable_line(model.name)}", err=True)
    elif model.where == "added":
        added.forget(model.name)
        click.echo(f"forgot {model.name}; its file stays at {printable_line(str(model.path))}", err=True)
    else:
        owner = f"{model.where} ({printable_line(str(model.path))})"
        raise SpectraError(f"{printable_line(model.name)} belongs to {owner}: remove it there")


@models.command()
@click.argument("name", required=False, shell_complete=complete_model_name)
def path(name: str | None) -> None:
    """Where a model's file lies; the default model's without a NAME."""
    _echo_path(catalogue.resolve(name))


@models.command()
@click.argument("name", required=False, shell_complete=complete_model_name)
@click.option("--reset", is_flag=True, help="Back to the best of the offered models that is on this disk.")
def default(name: str | None, reset: bool) -> None:
    """Which model is used without -m: print its name, or make it NAME (a path, too) from now on."""
    if name is not None and reset:
        raise UsageError("name a model, or say --reset")
    if name is None and not reset:
        click.echo(printable_line(name_for_option(catalogue.resolve(None))))
        return
    chosen = None if name is None else _checked_name(name)
    change_setting(("model",), chosen)
    click.echo(printable_line(f"the default is {chosen or 'chosen from what is on this disk'} from now on"), err=True)


def _checked_name(name: str) -> str:
    from spectra_local.llama.gguf import read_header

    path = catalogue.resolve(name)
    read_header(path)  # a file that cannot be loaded would be in the way of every command
    return name_for_option(path)


def _named_exactly(name: str) -> ModelOnDisk | None:
    """The model of that whole name, the catalogue's names included; ours before other programs'."""
    on_disk = find_all()
    named = [model for model in on_disk if model.name.lower() == name.lower()]
    entry = entry_named(name)
    if entry is not None and (here := lookup.file_of(entry, on_disk)) is not None:
        named.append(here)
    return named[0] if named else None


def _remove_remains(name: str) -> None:
    """Deletes what an unfinished download left, and forgets an added model whose file is gone."""
    entry = entry_named(name)
    left = partial_files(locations.models_dir() / entry.file) if entry else []
    if left:
        _delete(left)
        click.echo(f"removed the unfinished download of {name.lower()}", err=True)
    elif added.forget(name):
        click.echo(f"forgot {name}", err=True)
    elif entry is not None:
        raise ModelNotFoundError(f"{entry.name} is not on this disk")
    else:
        raise lookup.nothing_like(name)


def _confirm_deletion(model: ModelOnDisk, yes: bool) -> None:
    if yes:
        return
    if not can_ask():
        raise SpectraError(f"removing {printable_line(model.name)} deletes a file: say so with --yes")
    if not click.confirm(f"Delete {printable_line(str(model.path))}?", err=True):
        raise SpectraError("nothing was removed")


def _delete(files: list[Path]) -> None:
    try:
        for file in files:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise SpectraError(f"cannot remove {printable_line(str(error.filename))}: {error.strerror}") from error


def _echo_path(path: Path) -> None:
    """A path as data: made harmless on a terminal, byte for byte where a program reads it."""
    text: Any = printable_line(str(path)) if sys.stdout.isatty() else os.fsencode(path)
    click.echo(text)


def _explain(found: list[ModelRow]) -> None:
    """What the table's marks mean, for people alone."""
    click.echo(
        "\n* the default ('models default NAME' changes it)    'spectra-chat -m NAME' uses a model, "
        "'spectra-chat models pull NAME' fetches one",
        err=True,
    )
    if any(row.fits_in_memory is False for row in found):
        click.echo("! larger than the memory that is free now", err=True)
