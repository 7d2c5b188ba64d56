"""Lets one program at a time work on corpora: two that score would take each other's time and write over each other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from spectra_local.errors import SpectraError
from spectra_local.file_lock import take_lock
from spectra_local.locations import private_dir, runtime_dir


@contextmanager
def alone() -> Iterator[None]:
    """Raises SpectraError where another program is at work; the lock ends with whoever holds it, however it ends."""
    path = private_dir(runtime_dir()) / "corpus.lock"
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if take_lock(file) == "taken":
            who = os.read(file, 20).decode("ascii", "replace").strip() or "?"
            raise SpectraError(
                f"another program works on a corpus (process {who}); wait until it has ended, then ask again"
            )
        os.truncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        yield
    finally:
        os.close(file)
