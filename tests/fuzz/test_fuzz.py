"""A fixed, seeded share of the fuzzing, and all that ever failed; ``python -m tests.fuzz --minutes 60`` does more."""

from pathlib import Path

import pytest

from fuzz import files, messages
from fuzz.running import CORPUS, Run

TARGETS = {**files.targets(), **messages.targets()}


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_failed_and_fixed_mutants_are_read_or_refused(name: str, tmp_path: Path) -> None:
    run = Run(TARGETS[name], tmp_path)
    try:
        assert run.replayed(name) == {}
        assert run.fuzzed(TARGETS[name].inputs, f"{name} 1") == []
    finally:
        run.close()


def test_a_kept_input_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS) if CORPUS.exists() else True
