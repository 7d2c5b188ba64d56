"""An entry in the log file from a process that has no other use for it: everything else of it goes to the terminal."""

import contextlib
import logging
import os

from spectra_local.locations import log_file, private_dir

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def logged(name: str, message: str, error: BaseException | None = None) -> None:
    """Appends one entry under the logger ``name``, with the traceback of ``error``. Never raises: on a read-only home
    or a full disk the program goes on without a log."""
    trace = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord(name, logging.ERROR, __file__, 0, message, None, trace)
    entry = logging.Formatter(FORMAT).format(record) + "\n"
    with contextlib.suppress(OSError):
        private_dir(log_file().parent)
        descriptor = os.open(log_file(), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, entry.encode("utf-8", "replace"))
        finally:
            os.close(descriptor)
