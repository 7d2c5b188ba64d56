"""Asks before the changes to a file are lost."""

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Button

from tui.screens.dialog import DialogScreen


class UnsavedScreen(DialogScreen[str]):
    """Ends with "save", "discard" or "stay"."""

    DEFAULT_CSS = """
    UnsavedScreen {
        & > #panel { border: round $warning 60%; border-title-color: $text-warning; }
        &.-narrow Button { min-width: 8; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stay", "stay", id="unsaved.stay", show=False)]
    DEFAULT_BUTTON = "save"

    def __init__(self, name: str) -> None:
        super().__init__("Unsaved changes", f"{name} was changed and is not saved.")

    def buttons(self) -> list[Button]:
        """Saving is the default."""
        return [
            Button("Save", id="save", compact=True, variant="primary"),
            Button("Discard", id="discard", compact=True),
            Button("Stay", id="stay", compact=True),
        ]

    @on(Button.Pressed)
    def _choose(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or "stay")

    def action_stay(self) -> None:
        """Nothing happens."""
        self.dismiss("stay")
