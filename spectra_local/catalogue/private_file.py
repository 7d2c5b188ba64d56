"""Small records of this room, written whole or not at all, readable by their owner alone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spectra_local import locations
from spectra_local.errors import SpectraError

_MAX_BYTES = 1 << 20  # thousands of rows; a larger file is not ours


def read_record(path: Path, parse: Callable[[str], Any]) -> Any | None:
    """The parsed record; None where there is none or it is damaged."""
    try:
        with path.open("rb") as file:
            return parse(file.read(_MAX_BYTES).decode("utf-8"))
    except (OSError, ValueError):
        return None


def write_record(path: Path, text: str, parse: Callable[[str], Any]) -> None:
    """Replaces the record (mode 0600); a damaged one is set aside as ``.damaged``. Raises SpectraError."""
    try:
        locations.private_dir(path.parent)
        if path.exists() and read_record(path, parse) is None:
            path.replace(path.with_suffix(".damaged"))
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SpectraError(f"cannot write {path}: {error.strerror}") from error
