"""A change to accept or refuse, as a diff."""

import difflib
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from spectra_local.printable import printable
from tui.keys import DIFF_KEYS, bindings
from tui.screens.panel import PanelScreen

_CONTEXT_LINES = 3
_MOST_LINES = 2_000  # of a diff that is drawn: more would not be read, and takes a second


_ADDED, _REMOVED = "ansi_green", "ansi_red"


class DiffScreen(PanelScreen[bool]):
    """Ends with True where the change is accepted."""

    DEFAULT_CSS = """
    DiffScreen {
        & > #panel { width: 100; padding: 0 1; border: round $primary 60%; }
        VerticalScroll { height: auto; max-height: 100%; }
        Static { width: auto; min-width: 100%; height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(DIFF_KEYS)

    def __init__(self, title: str, old: str, new: str) -> None:
        super().__init__()
        self._heading, self._old, self._new = title, old, new

    def compose(self) -> ComposeResult:
        """The lines that go and the lines that come."""
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self._heading)
            panel.border_subtitle = "enter accepts · esc refuses"
            with VerticalScroll():
                yield Static(diff(self._old, self._new, tinted=not self.app.current_theme.ansi), markup=False)

    def action_accept(self) -> None:
        """The change is made."""
        self.dismiss(True)

    def action_refuse(self) -> None:
        """The text stays as it is."""
        self.dismiss(False)


def diff(old: str, new: str, *, tinted: bool = True) -> Content:
    """Lines with "-" go, lines with "+" come; unchanged stretches are left out where they are long.

    ``tinted``: they have a ground of their colour; of sixteen colours none is a pale one.
    """
    added, removed = ("$text-success on $success 12%", "$text-error on $error 12%") if tinted else (_ADDED, _REMOVED)
    a, b = printable(old).split("\n"), printable(new).split("\n")
    rows: list[Content] = []
    width = max((cell_len(line.expandtabs(4)) for line in (*a, *b)), default=0) + 2
    for line in list(difflib.unified_diff(a, b, n=_CONTEXT_LINES, lineterm=""))[2:]:
        mark, text = line[:1], line[1:].expandtabs(4)
        if mark == "@":
            if rows:
                rows.append(Content.styled("⋯", "$foreground 50%"))
        elif mark == "+":
            rows.append(Content.styled(_padded(f"+ {text}", width), added))
        elif mark == "-":
            rows.append(Content.styled(_padded(f"- {text}", width), removed))
        else:
            rows.append(Content.styled(f"  {text}", "$foreground 70%"))
    if len(rows) > _MOST_LINES:
        rows[_MOST_LINES:] = [Content(f"… and {len(rows) - _MOST_LINES:,} more lines")]
    return Content("\n").join(rows)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
