"""An entry in the log file from a process that has no other use for it: everything else of it goes to the terminal."""

import contextlib
import logging
import os

from spectra_local.errors import SpectraError
from spectra_local.locations import log_file, private_dir

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def logged(name: str, message: str, error: BaseException | None = None) -> None:
    """Appends one entry under the logger ``name``, with the traceback of ``error``. Never raises: on a read-only home
    or a full disk the program goes on without a log."""
    trace = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord(name, logging.ERROR, __file__, 0, message, None, trace)
    entry = logging.Formatter(FORMAT).format(record) + "\n"
    descriptor = log_descriptor()
    with contextlib.suppress(OSError):
        os.write(descriptor, entry.encode("utf-8", "replace"))
    os.close(descriptor)


def log_descriptor() -> int:
    """The log file, open for appending, to be closed; on a read-only home what is written there is lost."""
    try:
        private_dir(log_file().parent)
        return os.open(log_file(), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    except (OSError, SpectraError):
        return os.open(os.devnull, os.O_WRONLY)
