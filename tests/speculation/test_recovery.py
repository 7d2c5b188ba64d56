"""Drafts come again within three answers after a start on a busy machine: a real model at a quiet machine's prices."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fakes.prices import make_machine_steady

from spectra_local.engine import Engine
from spectra_local.llama import kernels
from spectra_local.locations import cache_dir
from spectra_local.protocol import Done, Message, Request, Timings
from spectra_local.worker import EngineProcess

pytestmark = pytest.mark.model

LIST = Request(
    messages=(Message("user", "List the numbers from one to forty, in words, separated by commas."),), max_tokens=80
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smollm2_path: Path) -> None:
    """Of this test alone: what is spoiled here would be every later test's cost curve."""
    monkeypatch.setenv("SPECTRA_HOME", str(tmp_path / "spectra-home"))
    make_machine_steady(monkeypatch)


def answered(model: Path) -> Timings:
    """The question asked by a program that starts for it and ends, as ``ask`` does."""
    with closing(Engine(model)) as engine:
        list(engine.load())
        done = list(engine.generate(LIST))[-1]
    assert isinstance(done, Done)
    return done.timings


def spoil(change: Callable[[dict[str, object]], None]) -> None:
    files = list(cache_dir().glob("speculation/*/cost-*"))
    assert files
    for file in files:
        content = json.loads(file.read_text())
        one = content["seconds"]["1"]
        content["seconds"] = {width: one * (3 * int(width) - 2) for width in content["seconds"]}
        change(content["belief"])
        file.write_text(json.dumps(content))


def test_after_a_measurement_on_a_busy_machine(smollm2_path: Path) -> None:
    answered(smollm2_path)
    spoil(lambda belief: belief.update(trusted=False))
    assert any(answered(smollm2_path).steps < 40 for _ in range(3))


def test_after_a_curve_that_was_wrongly_trusted(smollm2_path: Path) -> None:
    answered(smollm2_path)
    spoil(lambda belief: belief.update(trusted=True, observed={}, quiet=0))
    assert answered(smollm2_path).draft_n == 0, "at such prices nothing pays"
    assert any(answered(smollm2_path).steps < 60 for _ in range(2))


def test_a_curve_of_other_kernels_is_not_believed(smollm2_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drafted() -> int:
        with closing(EngineProcess(smollm2_path)) as engine:  # a process loads one step's kernels
            list(engine.load())
            done = list(engine.generate(LIST))[-1]
        assert isinstance(done, Done)
        return done.timings.draft_n

    drafted()
    spoil(lambda belief: belief.update(trusted=True, observed={}, quiet=0))
    assert drafted() == 0, "at such prices nothing pays"
    other = kernels.PLAIN_WEIGHTS if kernels.current() != kernels.PLAIN_WEIGHTS else kernels.SAFEST
    monkeypatch.setenv(kernels.VARIABLE, other.name)
    assert any(drafted() > 0 for _ in range(2))
