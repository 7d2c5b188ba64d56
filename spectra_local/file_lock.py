"""The lock of a file, held until the file is closed or its process ends. Some network folders have none."""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Literal

State = Literal["ours", "taken", "none"]

_TAKEN = frozenset({errno.EAGAIN, errno.EACCES})  # the second where a network folder stands in for flock
_LOOK_SECONDS = 0.02


class NoLocksError(OSError):
    """A folder whose files cannot be locked."""

    def __init__(self) -> None:
        super().__init__(
            errno.ENOLCK,
            "no file in its folder can be locked (a network folder?); SPECTRA_HOME may name one on a local disk",
        )


def require_locks(folder: Path) -> None:
    """Raises NoLocksError where files in ``folder`` have no locks of the kind that SQLite takes: it would wait for
    ever. Other errors are for whoever opens a file there."""
    path = folder / f".locks.{os.getpid()}"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise NoLocksError from error
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink()


def take_lock(descriptor: int, within_s: float = 0.0) -> State:
    """``"taken"``: another program holds it all the time. ``"none"``: this folder has no locks, and nobody can tell."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "ours"
        except OSError as error:
            if error.errno not in _TAKEN:
                return "none"
        if time.monotonic() >= deadline:
            return "taken"
        time.sleep(_LOOK_SECONDS)
