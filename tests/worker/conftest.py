"""Clients of engines that programs share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.sharing import Join, joining


@pytest.fixture
def join(smollm2_path: Path, spectra_home: Path) -> Iterator[Join]:
    """Loads one more client; all are closed in the end."""
    with joining(smollm2_path) as join:
        yield join


@pytest.fixture(scope="module")
def _keeper(smollm2_path: Path, module_home: Path) -> Iterator[None]:
    with joining(smollm2_path) as join:
        join()
        yield


@pytest.fixture
def visit(
    smollm2_path: Path, _keeper: None, module_home: Path, spectra_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Join]:
    """As ``join``, where an engine is up already: it serves all tests that leave it alive."""
    monkeypatch.setenv("SPECTRA_HOME", str(module_home))
    with joining(smollm2_path) as join:
        yield join
