"""Asks before the changes to a file are lost."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from tui.screens.choice import ChoiceScreen


class UnsavedScreen(ChoiceScreen):
    """Ends with "save", "discard" or "stay"."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "choose('stay')", "stay", id="unsaved.stay", show=False)]
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
