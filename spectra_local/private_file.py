"""Writes a file whole or not at all, readable by its owner alone under any umask."""

import os
from pathlib import Path

from spectra_local.locations import private_dir


def write_private(path: Path, *content: bytes | memoryview, durable: bool = False) -> None:
    """Replaces ``path`` (mode 0600, folders 0700) by the pieces of ``content``, one after the other.

    ``durable``: they are on the disk before the old file goes. Raises OSError.
    """
    private_dir(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece in content:
                file.write(piece)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
