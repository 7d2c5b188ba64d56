"""Asks before something is lost."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from spectra_local.printable import printable


class ConfirmScreen(ModalScreen[bool]):
    """Ends with True where the user said yes; a hasty Enter says no."""

    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 60; max-width: 100%; height: auto; max-height: 100%; overflow-y: auto;
            padding: 1 2; background: $surface; border: round $error 60%; border-title-color: $text-error;
        }
        Static { width: 100%; margin: 0 0 1 0; }
        Horizontal { height: auto; align-horizontal: right; }
        &.-narrow > Vertical { padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "no", "no", id="confirm.no", show=False)]

    def __init__(self, title: str, words: str, yes: str) -> None:
        super().__init__()
        self._title, self._words, self._yes = title, words, yes

    def compose(self) -> ComposeResult:
        """What would happen, and the choice."""
        with Vertical() as panel:
            panel.border_title = self._title
            yield Static(printable(self._words), markup=False)
            with Horizontal():
                yield Button(self._yes, id="yes", compact=True)
                yield Button("Keep it", id="no", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Keeping is the default."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _choose(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        """Nothing happens."""
        self.dismiss(False)
