"""From a model's name to a running engine, with what happens meanwhile shown on stderr."""

import sys
from pathlib import Path

from spectra_local.catalogue import DEFAULT_MODEL, ModelNotPulledError, resolve
from spectra_local.cli.status import StatusLine
from spectra_local.protocol import EngineOptions
from spectra_local.worker import EngineProcess


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

        return fetch(error.entry)
