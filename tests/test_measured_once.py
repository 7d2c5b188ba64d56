import json
import logging
from pathlib import Path

import pytest

from spectra_local.measured_once import measured_once


def never() -> int:
    raise AssertionError("measured twice")


@pytest.mark.parametrize("value", [0, 256])
def test_what_was_measured_is_not_measured_again(spectra_home: Path, value: int) -> None:
    assert measured_once("choice", "model", "CPU", lambda: value) == value
    assert measured_once("choice", "model", "CPU", never) == value


def test_what_could_not_be_measured_is_tried_again(spectra_home: Path) -> None:
    assert measured_once("choice", "model", "CPU", lambda: None) is None
    assert measured_once("choice", "model", "CPU", lambda: 1) == 1


def test_another_model_and_another_device_are_measured_for_themselves(spectra_home: Path) -> None:
    measured_once("choice", "model", "CPU, 2 threads", lambda: 1)
    assert measured_once("choice", "another", "CPU, 2 threads", lambda: 2) == 2
    assert measured_once("choice", "model", "CPU, 4 threads", lambda: 3) == 3


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"value": true}', "null", "[" * 5000, '{"value": 1}' + " " * 20_000]
)
def test_a_damaged_file_is_one_log_line_and_measured_anew(
    spectra_home: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    measured_once("choice", "model", "CPU", lambda: 1)
    (path,) = (spectra_home / "cache" / "choice").iterdir()
    path.write_text(content)
    with caplog.at_level(logging.WARNING, "spectra_local"):
        assert measured_once("choice", "model", "CPU", lambda: 0) == 0
    assert len(caplog.records) == 1
    assert json.loads(path.read_text())["value"] == 0


def test_a_disk_that_cannot_be_written_is_one_log_line(
    spectra_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spectra_local.kept_file.write_private", full)
    assert measured_once("choice", "model", "CPU", lambda: 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
