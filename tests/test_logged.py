import stat
from pathlib import Path

import pytest

from spectra_local.locations import log_file
from spectra_local.logged import logged


def test_an_entry_has_its_traceback_and_the_log_is_private() -> None:
    try:
        raise ValueError("a defect")
    except ValueError as error:
        logged("spectra_local.test", "it failed", error)
    text = log_file().read_text("utf-8")
    assert "ERROR spectra_local.test: it failed" in text
    assert "ValueError: a defect" in text
    assert stat.S_IMODE(log_file().stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_no_error_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    log_file().parent.mkdir(parents=True)
    log_file().symlink_to("/dev/full")
    logged("spectra_local.test", "it failed", ValueError("a defect"))
    assert capfd.readouterr() == ("", "")


def test_a_home_that_takes_no_files_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECTRA_HOME", "/dev/null/home")
    logged("spectra_local.test", "it failed")
