"""Shows where a link of the model's leads before anything opens it."""

from typing import ClassVar
from urllib.parse import urlsplit

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from spectra_local.printable import printable_line
from tui.screens.panel import PanelScreen

OPENABLE_SCHEMES = frozenset({"http", "https"})


def is_openable(address: str) -> bool:
    """Web addresses only: file:, javascript: and programs' own schemes are never handed to the system."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme.lower() in OPENABLE_SCHEMES and bool(parts.netloc)


class LinkScreen(PanelScreen[None]):
    """The whole address, and the choice."""

    DEFAULT_CSS = """
    LinkScreen {
        & > #panel { overflow-y: auto; }
        Static { width: 100%; margin: 0 0 1 0; }
        Horizontal { height: auto; align-horizontal: right; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close", id="link.close", show=False)]

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def compose(self) -> ComposeResult:
        """The address as text, never as a link."""
        with Vertical(id="panel") as panel:
            panel.border_title = "A link in the answer" if is_openable(self._address) else "Not a web address"
            yield Static(printable_line(self._address), markup=False)
            with Horizontal():
                if is_openable(self._address):
                    yield Button("Open", id="open", compact=True)
                yield Button("Copy", id="copy", compact=True)
                yield Button("Close", id="close", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Closing is what a hasty Enter does."""
        self.set_focus(self.query_one("#close"))

    @on(Button.Pressed)
    def _choose(self, event: Button.Pressed) -> None:
        if event.button.id == "open" and is_openable(self._address):
            self.app.open_url(self._address)
        elif event.button.id == "copy":
            self.app.copy_to_clipboard(self._address)
        self.dismiss()
