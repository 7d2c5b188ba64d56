"""A message of the user's, as plain text: never Markdown, never markup. A long paste is folded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from spectra_local.chats.attachments import described
from spectra_local.chats.records import Attachment
from spectra_local.printable import printable, printable_line

if TYPE_CHECKING:
    from tui.state import Turn

FOLDED_LINES = 12  # what is shown of a paste; half a small screen


class Question(Static):
    """Set apart by a bar and a tint."""

    DEFAULT_CSS = """
    Question {
        width: 100%;
        height: auto;
        margin: 0 0 1 0;
        padding: 0 2 0 1;
        background: $surface;
        border-left: outer $primary;
        &.-failed { border-left: outer $error; color: $text-muted; }
    }
    """

    turn: "Turn | None" = None  # that it shows

    def __init__(self, text: str, files: Sequence[Attachment] = (), mark: str = "") -> None:
        """``mark``: which branch this is, in words."""
        content = self._folded(printable(text))
        for file in files:
            content = Content.assemble(content, "\n", (f"+ {printable_line(described(file))}", "dim"))
        if mark:
            content = Content.assemble(content, "\n", (mark, "dim"))
        super().__init__(content, markup=False)

    @staticmethod
    def _folded(text: str) -> Content:
        lines = text.split("\n")
        if len(lines) <= FOLDED_LINES + 1:
            return Content(text)
        rest = len(lines) - FOLDED_LINES
        return Content.assemble("\n".join(lines[:FOLDED_LINES]), "\n", (f"… {rest:,} more lines", "dim"))
