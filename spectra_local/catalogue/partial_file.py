"""A model while it arrives: kept on every failure, continued by the next try, put in place only when it is whole.

Knows nothing of where the bytes come from.
"""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from spectra_local import locations
from spectra_local.byte_size import byte_size
from spectra_local.errors import DownloadError
from spectra_local.file_lock import take_lock
from spectra_local.printable import printable_line

# So that chats and history can still be saved when a model has taken the rest.
_LEFT_FOR_OTHERS = 64 << 20
_LOOK_SECONDS = 0.1  # between two looks at what another program fetches
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BeingFetchedError(DownloadError):
    """Another program is at it."""


class PartialFile:
    """``target`` in the making, in ``<name>.<key>.part`` beside it: one process at a time, mode 0600.

    ``key`` tells the versions of a file apart: what arrived of one is never continued with another.
    """

    def __init__(self, target: Path, key: str) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.{key}.part")
        self.size = 0
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            locations.private_dir(self.target.parent)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write(self.target.parent, error) from error
        if not self._is_ours():
            os.close(self._descriptor)
            raise BeingFetchedError(f"{self.target.name} is being fetched by another program")
        self.size = os.fstat(self._descriptor).st_size
        return self

    def _is_ours(self) -> bool:
        """Takes the lock. The file may have been put in place by another process between opening and locking it."""
        try:
            if take_lock(self._descriptor) == "taken":
                return False
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            return False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.size == 0:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def append(self, data: bytes, total: int) -> None:
        """Writes ``data`` at the end. Raises DownloadError, on a full disk with what arrived of ``total`` bytes."""
        rest = memoryview(data)
        try:
            while rest:
                written = os.write(self._descriptor, rest)  # may be short where the disk is nearly full
                self.size += written
                rest = rest[written:]
        except OSError as error:
            if error.errno in _DISK_FULL:
                raise disk_full(self.target, self.size, total) from error
            raise cannot_write(self.target.parent, error) from error

    def restart(self, at: int = 0) -> None:
        """Throws away what arrived after the first ``at`` bytes."""
        os.ftruncate(self._descriptor, at)
        self.size = at

    def publish(self, sha256: str | None) -> Path:
        """Checks what arrived and renames it to ``target``. A wrong checksum removes it and raises DownloadError."""
        try:
            os.fsync(self._descriptor)
            with self.path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 is not None and found != sha256:
                self.path.unlink()
                raise DownloadError(
                    f"{self.target.name} arrived damaged and was removed "
                    f"(sha256 {found[:12]}…, expected {sha256[:12]}…); try again"
                )
            self.path.replace(self.target)
            for other in self.target.parent.glob(f"{_glob_escaped(self.target.name)}.*.part"):
                other.unlink(missing_ok=True)  # of an older version, or of another source
        except OSError as error:
            raise cannot_write(self.target.parent, error) from error
        return self.target


def wait_for_other(target: Path, on_size: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
    """Returns once no other program fetches ``target``, whatever became of it, or ``cancelled`` says so. ``on_size``
    hears how many bytes that one has."""
    while not cancelled() and (sizes := [path.stat().st_size for path in _being_fetched(target)]):
        on_size(max(sizes))
        time.sleep(_LOOK_SECONDS)


def _being_fetched(target: Path) -> list[Path]:
    return [path for path in partial_files(target) if _is_taken(path)]


def _is_taken(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # put in place meanwhile
        return False
    try:
        return take_lock(descriptor) == "taken"
    finally:
        os.close(descriptor)


def partial_files(target: Path) -> list[Path]:
    """What earlier tries left of ``target``."""
    return sorted(target.parent.glob(f"{_glob_escaped(target.name)}.*.part"))


def require_space(folder: Path, n_bytes: int, name: str) -> None:
    """Raises DownloadError, with both numbers, where ``folder``'s disk has no room for ``n_bytes`` more."""
    try:
        locations.private_dir(folder)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_write(folder, error) from error
    if n_bytes + _LEFT_FOR_OTHERS > free:
        raise DownloadError(
            f"{name} needs {byte_size(n_bytes + _LEFT_FOR_OTHERS)} of disk, "
            f"{byte_size(free)} is free in {printable_line(str(folder))}; make room, then try again"
        )


def disk_full(target: Path, n_bytes: int, total: int) -> DownloadError:
    """The error of a disk that filled up when ``n_bytes`` of ``total`` had arrived."""
    return DownloadError(
        f"the disk is full: {byte_size(n_bytes)} of {byte_size(total)} of {target.name} arrived and are kept; "
        f"free {byte_size(total - n_bytes)} in {printable_line(str(target.parent))} and try again, "
        "it goes on from there"
    )


def cannot_write(folder: Path, error: OSError) -> DownloadError:
    """The error of a folder that takes no files."""
    if error.errno in _DISK_FULL:
        return DownloadError(f"the disk is full: make room in {printable_line(str(folder))}, then try again")
    return DownloadError(f"cannot write to {printable_line(str(folder))}: {error.strerror or error}")


def _glob_escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
