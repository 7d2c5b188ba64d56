"""A model larger than the free memory: a person is asked, a script is told of the option."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from spectra_local.cli import choice, opening
from spectra_local.cli.options import WantedModel
from spectra_local.errors import ModelTooLargeError
from spectra_local.protocol import EngineOptions, LoadProgress


class Engine:
    """Too large, unless it is run from the disk."""

    closed = 0

    def __init__(self, path: Path, options: EngineOptions, *, has_lines: bool = False) -> None:
        self.options = options

    def load(self) -> Iterator[LoadProgress]:
        if not self.options.from_disk:
            raise ModelTooLargeError("9 GB are needed")
        yield LoadProgress(1.0)

    def take_notice(self) -> str:
        return ""

    def close(self) -> None:
        Engine.closed += 1


@pytest.fixture(autouse=True)
def too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "EngineProcess", Engine)
    monkeypatch.setattr(opening, "model_path", lambda _: Path("big.gguf"))
    Engine.closed = 0


def test_a_person_may_run_it_from_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(choice, "can_ask", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text) or True)
    engine = opening.open_engine(WantedModel("big"), EngineOptions())
    assert asked[0].startswith("9 GB are needed")
    assert isinstance(engine, Engine)
    assert engine.options.from_disk
    assert Engine.closed == 1, "the one that was too large"


@pytest.mark.parametrize("can_ask", [True, False])
def test_without_a_yes_it_is_refused(monkeypatch: pytest.MonkeyPatch, can_ask: bool) -> None:
    monkeypatch.setattr(choice, "can_ask", lambda: can_ask)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    with pytest.raises(ModelTooLargeError):
        opening.open_engine(WantedModel("big"), EngineOptions())
