import json
import logging
from pathlib import Path

import pytest

from spectra_local.measured_once import measured_once


def never() -> bool:
    raise AssertionError("measured twice")


@pytest.mark.parametrize("yes", [True, False])
def test_what_was_measured_is_not_measured_again(spectra_home: Path, yes: bool) -> None:
    assert measured_once("choice", "model", "CPU", lambda: yes) is yes
    assert measured_once("choice", "model", "CPU", never) is yes


def test_another_model_and_another_device_are_measured_for_themselves(spectra_home: Path) -> None:
    measured_once("choice", "model", "CPU, 2 threads", lambda: True)
    assert not measured_once("choice", "another", "CPU, 2 threads", lambda: False)
    assert not measured_once("choice", "model", "CPU, 4 threads", lambda: False)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"yes": 1}', "null", "[" * 5000, '{"yes": true}' + " " * 20_000]
)
def test_a_damaged_file_is_one_log_line_and_measured_anew(
    spectra_home: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    measured_once("choice", "model", "CPU", lambda: True)
    (path,) = (spectra_home / "cache" / "choice").iterdir()
    path.write_text(content)
    with caplog.at_level(logging.WARNING, "spectra_local"):
        assert not measured_once("choice", "model", "CPU", lambda: False)
    assert len(caplog.records) == 1
    assert json.loads(path.read_text())["yes"] is False


def test_a_disk_that_cannot_be_written_is_one_log_line(
    spectra_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spectra_local.measured_once.write_private", full)
    assert measured_once("choice", "model", "CPU", lambda: True)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
