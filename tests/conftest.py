"""What every test shares: a home of its own, and a real model, fetched once per machine."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.models import SMOLLM2, fetched
from hypothesis import settings

from spectra_local.llama import kernels
from spectra_local.worker.settling import settle_kernels

# How long an example takes says something of the machine; hangs are found by the timeout.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A shell's background jobs ignore ctrl+c, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def smollm2_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SmolLM2's file. SPECTRA_TEST_MODELS may name it or its folder; else the product fetches it once.

    And the kernels that work here: those that crash would take the tests' own process with them. The tests of the
    ladder start their engines without the variable that is set here.
    """
    path = fetched(SMOLLM2)
    with pytest.MonkeyPatch.context() as patch:
        if kernels.VARIABLE not in os.environ:
            patch.setenv("SPECTRA_HOME", str(tmp_path_factory.mktemp("settling")))
            settle_kernels(path)
            step = kernels.current().name
            patch.undo()
            patch.setenv(kernels.VARIABLE, step)
        yield path


@pytest.fixture(scope="session")
def measured_costs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests so far measured, cost curves and attention: each would take 3 seconds again."""
    return tmp_path_factory.mktemp("costs")


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory, measured_costs: Path, smollm2_path: Path) -> Iterator[Path]:
    """The same as ``spectra_home``, for what is loaded once a module; the model is fetched before."""
    with pytest.MonkeyPatch.context() as patch:
        yield from _home(tmp_path_factory.mktemp("home") / "spectra-home", measured_costs, patch)


@pytest.fixture(autouse=True)
def spectra_home(
    tmp_path_factory: pytest.TempPathFactory, measured_costs: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Config, data and caches of this test alone; of others it has the measured costs, nothing that was learned."""
    yield from _home(tmp_path_factory.mktemp("home") / "spectra-home", measured_costs, monkeypatch)


def _home(home: Path, measured_costs: Path, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    patch.setenv("SPECTRA_HOME", str(home))
    known = home / "cache"
    _copy_measured(measured_costs, known)
    yield home
    _copy_measured(known, measured_costs)


def _copy_measured(source: Path, target: Path) -> None:
    for file in (*source.glob("speculation/*/cost-*"), *source.glob("attention/*")):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(file, copy)


@pytest.fixture
def native_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run their native code in the tests' own process, where it can be looked at and takes no start."""
    monkeypatch.setattr("spectra_local.cli.native_command.is_here", True)
