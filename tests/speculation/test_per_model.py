import json
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
    monkeypatch.setattr(
        "spectra_local.speculation.measured_cost.time", SimpleNamespace(perf_counter=lambda: STEADY.now)
    )


def per_model(device: str = "CPU") -> PerModel:
    return PerModel("weights", device, 16, steadily)


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


def test_on_a_busy_machine_three_starts_measure_and_keep_the_cheaper_of_each_width(spectra_home: Path) -> None:
    measured = 0

    def unsteadily(width: int) -> None:
        nonlocal measured
        measured += 1
        STEADY.now += width * (0.001 if int(STEADY.now * 1000) % 3 else 0.01)

    prices = []
    for _ in range(4):
        before = measured
        prices.append(PerModel("weights", "CPU", 16, unsteadily).cost.relative[16])
    assert measured == before
    assert prices == sorted(prices, reverse=True)
    assert prices[2] == prices[3]


def test_a_curve_from_a_quiet_machine_takes_the_place_of_one_from_a_busy_one(spectra_home: Path) -> None:
    def unsteadily(width: int) -> None:
        STEADY.now += 0.001 if int(STEADY.now * 1000) % 3 else 0.01

    PerModel("weights", "CPU", 16, unsteadily)
    per_model("CPU")
    assert json.loads(files(spectra_home)[0].read_text())["unsteady"] == 0


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
    assert len(caplog.records) <= 2
    assert fresh.cost.relative[1] == 1.0


def test_files_are_their_owners_alone(spectra_home: Path) -> None:
    per_model().save(now=True)
    assert all(path.stat().st_mode & 0o077 == 0 for path in spectra_home.rglob("*"))


def test_a_folder_that_cannot_be_written_is_no_error(spectra_home: Path) -> None:
    spectra_home.parent.mkdir(exist_ok=True)
    spectra_home.write_text("a file where the folder should be")
    per_model().save(now=True)
