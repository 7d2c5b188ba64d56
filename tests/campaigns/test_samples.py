"""A small sample of each campaign; the campaigns themselves are run by hand (see the README)."""

from pathlib import Path

import pytest

from campaigns import bit_flips, every_byte, hang_ups, import_mutants, kill, no_room, soak, writers


@pytest.mark.model
def test_a_kill_loses_nothing_that_was_acknowledged(smollm2_path: Path) -> None:
    tally = kill.run(2, smollm2_path, ways=("worker", "ask"), seed=3)
    assert (tally.lost, tally.failed_starts) == ([], [])


def test_a_flipped_bit_is_reported_and_never_shown() -> None:
    found = bit_flips.run(4, seed=2)
    assert (found.crashes, found.wrong, found.missed, found.lost_rows) == ([], [], [], 0)


def test_whatever_byte_is_changed_every_whole_row_is_saved() -> None:
    known = [(at, 1 << at % 8) for at in (18, 20, 47, 60, 63, 100, 103, 106)]
    assert every_byte.run(known).failures == []
    assert every_byte.run(n=8, seed=3).failures == []


def test_a_mutated_import_is_refused_or_harmless() -> None:
    found = import_mutants.run(150)
    assert (found.crashes, found.changed_stores) == ([], [])
    assert found.refused > 100
    assert found.slowest_s < 60  # one that takes as long as its length makes it; README.md has what was measured


def test_programs_write_while_one_exports() -> None:
    found = writers.run(20)
    assert (found.errors, found.missing) == ([], 0)
    assert found.exports


@pytest.mark.model
def test_a_chat_goes_on_where_nothing_can_be_written(smollm2_path: Path) -> None:
    assert no_room.run(smollm2_path, ["file size limit"]).failures == []


@pytest.mark.model
def test_clients_that_hang_up_leave_nothing_behind(smollm2_path: Path) -> None:
    found = hang_ups.run(4, smollm2_path, n_subjects=1)
    assert found.failures == []
    assert found.answered > 0
    assert found.hung_up > 0


@pytest.mark.model
@pytest.mark.timeout(600)
def test_hours_of_use_leave_nothing_behind(smollm2_path: Path) -> None:
    """Half a minute of them, which is too short to compare memory."""
    found = soak.run(0.5, smollm2_path)
    assert [failure for failure in found.failures if " grew from " not in failure] == []
    assert found.kills and found.forgets
    assert found.ended["answered"] > 10
    assert {name for name, *_ in found.rows()} == {"server", "engine", "app's thread and clients"}
