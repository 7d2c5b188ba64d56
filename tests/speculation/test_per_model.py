import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from spectra_local.speculation.per_model import PerModel


def steadily(width: int) -> None:
    """A decode that takes the same time always, on any machine."""
    STEADY.now += 0.001 * width**0.5


class STEADY:
    """A clock that only decodes move."""

    now = 0.0


@pytest.fixture
def measured_costs(tmp_path: Path) -> Path:
    """None from other tests."""
    return tmp_path / "none"


@pytest.fixture(autouse=True)
def steady_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spectra_local.speculation.staircase.time", SimpleNamespace(perf_counter=lambda: STEADY.now))


def per_model(device: str = "CPU") -> PerModel:
    return PerModel("weights", device, 16, steadily)


def kept_cost(observed: bytes, seconds: bytes = b'{"1": 0.02, "4": 0.03}') -> bytes:
    """A file of ours but for one value."""
    belief = b'{"trusted": false, "interval": 128, "quiet": 0, "observed": ' + observed + b"}"
    return b'{"time": 0, "seconds": ' + seconds + b', "belief": ' + belief + b"}"


def files(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file())


def test_the_curve_is_measured_once_a_device(spectra_home: Path) -> None:
    first = per_model()
    before = STEADY.now
    second = per_model()
    assert STEADY.now == before
    assert second.cost.points == first.cost.points
    per_model("GPU")
    assert STEADY.now > before


def unsteadily(width: int) -> None:
    """A decode on a busy machine."""
    STEADY.now += width * (0.001 if int(STEADY.now * 1000) % 3 else 0.01)


def test_on_a_busy_machine_the_first_start_measures_and_the_curve_is_doubted(spectra_home: Path) -> None:
    first = PerModel("weights", "CPU", 16, unsteadily)
    assert not first.cost.trusted
    before = STEADY.now
    second = PerModel("weights", "CPU", 16, unsteadily)
    assert STEADY.now == before, "no later start waits for another measurement"
    assert not second.cost.trusted
    assert second.cost.relative[8] < 4.0


def test_a_curve_that_answers_have_corrected_is_kept(spectra_home: Path) -> None:
    first = PerModel("weights", "CPU", 16, unsteadily)
    for _ in range(20):
        first.cost.observe(1, 0.010, 100)
        first.cost.observe(4, 0.020, 100)
    assert first.cost.trusted
    first.save(now=True)
    second = PerModel("weights", "CPU", 16, unsteadily)
    assert second.cost.trusted
    assert second.cost.relative[4] == pytest.approx(2.0)


def test_counting_towards_a_trial_makes_no_curve_younger(spectra_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = per_model().cost_time
    second = per_model()
    monkeypatch.setattr("spectra_local.speculation.per_model.time.time", lambda: measured + 1000)
    for _ in range(40):
        second.cost.observe(1, 0.001, 100)
    assert second.cost.changed
    second.save(now=True)
    assert per_model().cost_time == measured
    assert per_model().cost.belief.quiet == 40


def test_a_curve_that_nothing_corrected_is_not_written_again(spectra_home: Path) -> None:
    per_model()
    written = next(path for path in files(spectra_home) if path.name.startswith("cost-")).stat().st_mtime_ns
    per_model().save(now=True)
    assert next(p for p in files(spectra_home) if p.name.startswith("cost-")).stat().st_mtime_ns == written


def test_earlier_text_is_drafted_from(spectra_home: Path) -> None:
    kept = per_model()
    text = [*range(100, 160)]
    kept.remember(text)
    kept.drafter.begin(text[:30])
    assert kept.drafter.propose(15).tokens[:5] == text[30:35]


def test_what_was_learned_is_there_next_time(spectra_home: Path) -> None:
    first = per_model()
    first.calibration.weights[3] = 1.25
    first.save(now=True)
    assert per_model().calibration.weights[3] == 1.25


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"[1]", b'{"weights": 3}', b"\xff\x00", b"[" * 99999),
        *(b'{"seconds": {"x": 1}}', b'{"seconds": {"1": 0.02, "999999999999": 0.03}}', b'{"seconds": {}}'),
        *(kept_cost(observed) for observed in (b'{"4": [-1]}', b'{"4": [1e999]}', b'{"99999": [2]}', b'{"4": 2}')),
        kept_cost(b"{}", seconds=b'{"1": NaN, "4": 2}'),
    ],
)
def test_a_damaged_file_is_one_log_line_and_a_fresh_start(
    spectra_home: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    per_model().save(now=True)
    damaged = files(spectra_home)
    assert len(damaged) == 2
    for path in damaged:
        path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        fresh = per_model()
    assert sorted(record.args[0] for record in caplog.records) == damaged
    untouched = PerModel("other weights", "CPU", 16, steadily)
    assert fresh.cost.relative == untouched.cost.relative
    assert fresh.calibration.weights == untouched.calibration.weights


def test_files_are_their_owners_alone(spectra_home: Path) -> None:
    per_model().save(now=True)
    assert all(path.stat().st_mode & 0o077 == 0 for path in spectra_home.rglob("*"))


def test_a_folder_that_cannot_be_written_is_no_error(spectra_home: Path) -> None:
    spectra_home.parent.mkdir(exist_ok=True)
    spectra_home.write_text("a file where the folder should be")
    per_model().save(now=True)
