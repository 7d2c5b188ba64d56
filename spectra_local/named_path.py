"""From the name of a file that somebody typed to a path. Reads no file."""

from pathlib import Path

from spectra_local.errors import UsageError
from spectra_local.printable import printable_line


def named_path(name: str) -> Path:
    """The path, quotes taken off and ``~`` expanded. Raises UsageError for what can be none."""
    try:
        path = Path(name.strip('"')).expanduser()
        path.stat()
    except OSError:  # who opens it says what is wrong with it
        pass
    except (ValueError, RuntimeError) as error:  # with a null in it; of a user that nobody knows
        raise UsageError(f"'{printable_line(name[:40])}' is no name of a file: {printable_line(str(error))}") from error
    return path
