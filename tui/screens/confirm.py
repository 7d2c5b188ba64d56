"""Asks before something is lost."""

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Button

from spectra_local.printable import printable
from tui.screens.dialog import DialogScreen


class ConfirmScreen(DialogScreen[bool]):
    """Ends with True where the user said yes; a hasty Enter says no."""

    DEFAULT_CSS = """
    ConfirmScreen > #panel { border: round $error 60%; border-title-color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "no", "no", id="confirm.no", show=False)]
    DEFAULT_BUTTON = "no"

    def __init__(self, title: str, words: str, yes: str, no: str = "Keep it") -> None:
        super().__init__(title, printable(words))
        self._yes, self._no = yes, no

    def buttons(self) -> list[Button]:
        """Keeping is the default."""
        return [Button(self._yes, id="yes", compact=True), Button(self._no, id="no", compact=True, variant="primary")]

    @on(Button.Pressed)
    def _choose(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        """Nothing happens."""
        self.dismiss(False)
