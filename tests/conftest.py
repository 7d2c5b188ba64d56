"""What every test shares: a home of its own, and the real default model, fetched once per machine."""

import os
from pathlib import Path

import pytest

from spectra_local.catalogue import ModelNotPulledError, resolve
from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import DEFAULT_MODEL, entry_named


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The default model's file. SPECTRA_TEST_MODELS may name it or its folder; else the product fetches it once,
    into the place where the product itself keeps models."""
    entry = entry_named(DEFAULT_MODEL)
    assert entry is not None
    if given := os.environ.get("SPECTRA_TEST_MODELS"):
        path = Path(given).expanduser()
        return path / entry.file if path.is_dir() else path
    try:
        return resolve(DEFAULT_MODEL)
    except ModelNotPulledError:
        return pull(entry, lambda done, total: None, lambda: False)


@pytest.fixture(autouse=True)
def spectra_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Config, data and caches of this test alone."""
    home = tmp_path / "spectra-home"
    monkeypatch.setenv("SPECTRA_HOME", str(home))
    return home
