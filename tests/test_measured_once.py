import json
import logging
from pathlib import Path

import pytest

from spectra_local.measured_once import measured_once

ANSWERS = (0, 1, 2, 3, 256)


def never() -> int:
    raise AssertionError("measured twice")


@pytest.mark.parametrize("value", [0, 256])
def test_what_was_measured_is_not_measured_again(spectra_home: Path, value: int) -> None:
    assert measured_once("choice", "model", "CPU", lambda: value, ANSWERS) == value
    assert measured_once("choice", "model", "CPU", never, ANSWERS) == value


def test_what_could_not_be_measured_is_tried_again(spectra_home: Path) -> None:
    assert measured_once("choice", "model", "CPU", lambda: None, ANSWERS) is None
    assert measured_once("choice", "model", "CPU", lambda: 1, ANSWERS) == 1


def test_another_model_and_another_device_are_measured_for_themselves(spectra_home: Path) -> None:
    measured_once("choice", "model", "CPU, 2 threads", lambda: 1, ANSWERS)
    assert measured_once("choice", "another", "CPU, 2 threads", lambda: 2, ANSWERS) == 2
    assert measured_once("choice", "model", "CPU, 4 threads", lambda: 3, ANSWERS) == 3


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"value": -5}', '{"value": true}', "null", "[" * 5000, '{"value": 1}' + " " * 20_000],
)
def test_a_damaged_file_is_one_log_line_and_measured_anew(
    spectra_home: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    measured_once("choice", "model", "CPU", lambda: 1, ANSWERS)
    (path,) = (spectra_home / "cache" / "choice").iterdir()
    path.write_text(content)
    with caplog.at_level(logging.WARNING, "spectra_local"):
        assert measured_once("choice", "model", "CPU", lambda: 0, ANSWERS) == 0
    assert len(caplog.records) == 1
    assert json.loads(path.read_text())["value"] == 0


def test_a_disk_that_cannot_be_written_is_one_log_line(
    spectra_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spectra_local.kept_file.write_private", full)
    assert measured_once("choice", "model", "CPU", lambda: 1, ANSWERS)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
