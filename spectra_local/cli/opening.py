"""From a model's name to a running engine, with what happens meanwhile shown on stderr."""

import sys
from pathlib import Path

from spectra_local.catalogue.entries import DEFAULT_MODEL, Entry
from spectra_local.catalogue.lookup import ModelNotPulledError, resolve
from spectra_local.cli.status import StatusLine
from spectra_local.protocol import EngineOptions
from spectra_local.worker import EngineProcess


def open_engine(model: str | None, options: EngineOptions) -> EngineProcess:
    """Resolves, fetches the default model if it is missing, and loads. Raises SpectraError."""
    path = _path_of(model)
    engine = EngineProcess(path, options)
    try:
        with StatusLine(sys.stderr) as status:
            for progress in engine.load():
                status.show(f"loading {path.name}  {progress.fraction:4.0%}")
    except BaseException:
        engine.close()
        raise
    return engine


def _path_of(model: str | None) -> Path:
    try:
        return resolve(model)
    except ModelNotPulledError as error:
        if error.entry.name != DEFAULT_MODEL:  # gigabytes are fetched when asked for, not by the way
            raise
        return _pull(error.entry)


def _pull(entry: Entry) -> Path:
    from spectra_local.catalogue.download import pull

    print(f"First use: fetching {entry.name} ({entry.licence.name})", file=sys.stderr)
    with StatusLine(sys.stderr, delay=0) as status:
        return pull(entry, lambda done, total: status.show_transfer(done, total), lambda: False)
