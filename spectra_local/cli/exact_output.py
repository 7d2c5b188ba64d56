"""Text of a model or a file on stdout: line ends as they are, other control characters shown instead of obeyed."""

import sys

from spectra_local.printable import printable


def write_text(text: str, own: str = "") -> None:
    """Writes at once. "\\r" counts as a line end only before "\\n".

    ``own``: the user's text that it was made from. What stands in it goes out as it is where no terminal would obey
    it: an editor or ``patch`` must get its form feeds back.
    """
    kept = frozenset() if sys.stdout.isatty() else frozenset(own)
    sys.stdout.write("\r\n".join(printable(part, kept) for part in text.split("\r\n")))
    sys.stdout.flush()
