"""A file that is kept between runs for speed alone: where it cannot be read or written, that is one log line."""

import logging
from pathlib import Path

from spectra_local.private_file import write_private

# Where nobody has set logging up, a program at a terminal, warnings would reach stderr.
logging.getLogger("spectra_local").addHandler(logging.NullHandler())
log = logging.getLogger("spectra_local.kept_file")


def read_kept(path: Path, most_bytes: int) -> str | None:
    """The file's text; None where it is absent, unreadable, no text, or larger than ours are."""
    try:
        if path.stat().st_size <= most_bytes:
            return path.read_text("utf-8")
        log.warning("%s is larger than it can be; it is made anew", path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s", path, error)
    return None


def write_kept(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    try:
        write_private(path, content)
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error)
