"""Text of a model or a file on stdout: line ends as they are, other control characters shown instead of obeyed."""

import sys

from spectra_local.printable import printable


def write_text(text: str) -> None:
    """Writes at once. "\\r" counts as a line end only before "\\n"."""
    sys.stdout.write("\r\n".join(map(printable, text.split("\r\n"))))
    sys.stdout.flush()
