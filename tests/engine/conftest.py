"""Engines on the real model, each loaded once a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.engines import loaded

from spectra_local.engine import Engine
from spectra_local.protocol import EngineOptions


@pytest.fixture(scope="module")
def engine(smollm2_path: Path, module_home: Path) -> Iterator[Engine]:
    engine = loaded(smollm2_path)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def exact(smollm2_path: Path, module_home: Path) -> Iterator[Engine]:
    """For what must be the same text though other passes make it: without exact mode near-ties fall either way."""
    engine = loaded(smollm2_path, EngineOptions(exact=True, n_ctx=2048))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def small(smollm2_path: Path, module_home: Path) -> Iterator[Engine]:
    """With a context of 256 tokens."""
    engine = loaded(smollm2_path, EngineOptions(n_ctx=256))
    yield engine
    engine.close()
