"""Small records of this room, written whole or not at all, readable by their owner alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from spectra_local.errors import SpectraError
from spectra_local.private_file import write_private

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
        if path.exists() and read_record(path, parse) is None:
            path.replace(path.with_suffix(".damaged"))
        write_private(path, text.encode("utf-8"), durable=True)
    except OSError as error:
        raise SpectraError(f"cannot write {path}: {error.strerror}") from error
