"""From a model's name to a running engine, with what happens meanwhile shown on stderr."""

import sys
from pathlib import Path

import click

from spectra_local.catalogue import DEFAULT_MODEL, ModelNotPulledError, resolve
from spectra_local.cli.status import StatusLine
from spectra_local.printable import printable_line
from spectra_local.protocol import EngineOptions
from spectra_local.worker import EngineProcess

_MOST_NAMED = 3  # of other models, before the default one is fetched


def open_engine(model: str | None, options: EngineOptions, *, has_lines: bool = False) -> EngineProcess:
    """Resolves, fetches the default model if it is missing, and loads. Raises SpectraError.

    ``has_lines``: EngineProcess's."""
    path = model_path(model)
    engine = EngineProcess(path, options, has_lines=has_lines)
    try:
        with StatusLine(sys.stderr) as status:
            for progress in engine.load():
                status.show(f"loading {path.name}  {progress.fraction:4.0%}")
    except BaseException:
        engine.close()
        raise
    return engine


def model_path(model: str | None) -> Path:
    """The model's file, the default model fetched if it is missing. Raises SpectraError."""
    try:
        return resolve(model)
    except ModelNotPulledError as error:
        if error.entry.name != DEFAULT_MODEL:  # gigabytes are fetched when asked for, not by the way
            raise
        from spectra_local.cli.fetching import fetch

        if model is None:
            _tell_of_others()
        return fetch(error.entry)


def _tell_of_others() -> None:
    """Who has models of other programs, and named none, may rather want one of those than another file."""
    from spectra_local.catalogue.on_disk import find_all

    others = [model.name for model in find_all()]
    if others:
        more = "" if len(others) <= _MOST_NAMED else f" and {len(others) - _MOST_NAMED} more"
        click.echo(
            printable_line(f"on this disk already: {', '.join(others[:_MOST_NAMED])}{more} (--model NAME)"), err=True
        )
