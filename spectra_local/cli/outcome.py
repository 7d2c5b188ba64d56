"""From what a command does to an exit code: every way to fail is one line on stderr. Knows no command and no option.

Apart from main.py, so that the chat can open without click, a tenth of the time to its first frame.
"""

import contextlib
import os
import sys
from collections.abc import Callable

from spectra_local.errors import SpectraError
from spectra_local.locations import log_file
from spectra_local.logged import logged
from spectra_local.printable import printable

PROGRAM = "spectra-chat"
EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def outcome(work: Callable[[], object]) -> int:
    """The exit code of ``work``: what it returns if that is a number, 0 else, or what stands for its error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?", it does not end the program
    if sys.stdout is None:
        complain("stdout is closed, there is nowhere to print to")
        return EXIT_FAILURE
    try:
        result = work()
        sys.stdout.flush()
    except SpectraError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has enough, e.g. head(1)
        _abandon_stdout()
        return EXIT_FAILURE
    except OSError as error:  # a full disk behind a redirection, a file that cannot be read
        _abandon_stdout()
        complain(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        return EXIT_FAILURE
    except Exception as error:  # ours to mend; the user gets a line, the log the traceback
        logged("spectra_local.cli", "internal error", error)
        complain(f"internal error: {error!r}; the traceback is in {log_file()}")
        return EXIT_FAILURE
    return result if isinstance(result, int) else 0


def _abandon_stdout() -> None:
    """What is still in the buffer has nowhere to go; the interpreter must not try again at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> None:
    """One line on stderr, in which the program names itself."""
    if sys.stderr is not None:
        print(f"{PROGRAM}: {printable(message)}", file=sys.stderr, flush=True)
