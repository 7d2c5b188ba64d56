"""Asks what is to become of text that was never saved, because the program ended unasked."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from tui.screens.choice import ChoiceScreen


class RecoveredScreen(ChoiceScreen):
    """Ends with "restore", "drop" or "later"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "choose('later')", "later", id="recovered.later", show=False)
    ]
    DEFAULT_BUTTON = "restore"

    def __init__(self, name: str, when: str, *, same_file: bool) -> None:
        words = f"{name} has changes of {when} that were not saved before the program ended."
        if not same_file:
            words += " The file was changed since, too: saving them will replace that."
        super().__init__("Unsaved changes were kept", words)

    def buttons(self) -> list[Button]:
        """Nothing is lost by the default."""
        return [
            Button("Bring back", id="restore", compact=True, variant="primary"),
            Button("Drop them", id="drop", compact=True),
            Button("Later", id="later", compact=True),
        ]
