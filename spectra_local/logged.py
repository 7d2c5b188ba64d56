"""An entry in the log file from a process that has no other use for it: everything else of it goes to the terminal."""

import logging
import os

from spectra_local.locations import log_file, private_dir

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def logged(name: str, message: str, error: BaseException | None = None) -> None:
    """Appends one entry under the logger ``name``, with the traceback of ``error``. Never raises."""
    try:
        private_dir(log_file().parent)
        os.close(os.open(log_file(), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        handler = logging.FileHandler(log_file(), encoding="utf-8")
    except OSError:  # a read-only home, a full disk: the program goes on without a log
        return
    handler.setFormatter(logging.Formatter(FORMAT))
    trace = (type(error), error, error.__traceback__) if error is not None else None
    handler.handle(logging.LogRecord(name, logging.ERROR, __file__, 0, message, None, trace))
    handler.close()
