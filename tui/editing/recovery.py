"""What is typed into a file and not saved yet, kept in case the program ends unasked. Knows no widgets.

One file for each that is edited, in the data folder, readable by its owner alone; gone once the text is saved or
refused. Who edits a file holds a lock: what another window that still runs has kept is nobody's to recover.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spectra_local.file_lock import take_lock
from spectra_local.locations import private_dir, unsaved_dir
from spectra_local.private_file import write_private

_NAME_CHARACTERS = 32  # of the digest of a path


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A text that was never saved, exactly as the file would have had it."""

    text: str
    kept: float  # seconds since 1970
    same_file: bool  # the file is what it was then


class Recovery:
    """Of one file. Nothing here raises: what cannot be kept is as if there were no recovery."""

    def __init__(self, path: Path) -> None:
        name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:_NAME_CHARACTERS]
        self._file = unsaved_dir() / f"{name}.json"
        self._lock: int | None = None
        self.has_kept = False
        with suppress(OSError):
            self._claim()

    def _claim(self) -> None:
        private_dir(self._file.parent)
        lock = os.open(self._file.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        if take_lock(lock) == "taken":
            os.close(lock)
            return
        self._lock = lock

    @property
    def is_ours(self) -> bool:
        """False where another window edits the file, or the folder cannot be written: then nothing is kept."""
        return self._lock is not None

    def found(self, saved: str | None) -> Unsaved | None:
        """What was left behind, if it is other than ``saved``, which the file has now (None: there is no file)."""
        if not self.is_ours:
            return None
        try:
            record = json.loads(self._file.read_bytes())
            text, kept, digest = str(record["text"]), float(record["kept"]), record["saved"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if text == (saved or ""):
            self.drop()
            return None
        return Unsaved(text, kept, digest == _digest(saved))

    def keep(self, text: str, saved: str | None) -> None:
        """Writes what would be lost; ``saved`` as above."""
        if not self.is_ours:
            return
        record = {"text": text, "kept": time.time(), "saved": _digest(saved)}
        with suppress(OSError):
            write_private(self._file, json.dumps(record).encode())
            self.has_kept = True

    def drop(self) -> None:
        """Nothing would be lost any more."""
        if self.is_ours:
            self._file.unlink(missing_ok=True)
            self.has_kept = False

    def close(self) -> None:
        """The file is not edited any more; what was kept stays."""
        if self._lock is not None:
            self._file.with_suffix(".lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


def _digest(saved: str | None) -> str:
    return "" if saved is None else hashlib.sha256(saved.encode("utf-8", "surrogatepass")).hexdigest()
