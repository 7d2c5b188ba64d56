"""Which real models the tests ask, and where they are."""

import os
from pathlib import Path

from spectra_local.catalogue import ModelNotPulledError, resolve
from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import Entry, entry_named

SMOLLM2 = "smollm2-135m-instruct"  # small and quick: what most tests ask says nothing about what is right


def entry_of(name: str) -> Entry:
    """The catalogue's entry, which must be there."""
    entry = entry_named(name)
    assert entry is not None
    return entry


def given_file(entry: Entry) -> Path | None:
    """The entry's file where SPECTRA_TEST_MODELS names it or its folder; None where it does not."""
    if not (given := os.environ.get("SPECTRA_TEST_MODELS")):
        return None
    path = Path(given).expanduser()
    file = path / entry.file if path.is_dir() else path
    return file if file.name == entry.file and file.is_file() else None


def fetched(name: str) -> Path:
    """The model's file; the product fetches it once, into the place where the product itself keeps models."""
    entry = entry_of(name)
    if (given := given_file(entry)) is not None:
        return given
    try:
        return resolve(name)
    except ModelNotPulledError:
        return pull(entry, lambda done, total: None, lambda: False)
