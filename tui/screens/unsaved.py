"""Asks before the changes to a file are lost."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class UnsavedScreen(ModalScreen[str]):
    """Ends with "save", "discard" or "stay"."""

    DEFAULT_CSS = """
    UnsavedScreen {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 60; max-width: 100%; height: auto; max-height: 100%; overflow-y: auto;
            padding: 1 2; background: $surface; border: round $warning 60%; border-title-color: $text-warning;
        }
        Static { width: 100%; margin: 0 0 1 0; }
        Horizontal { height: auto; align-horizontal: right; }
        &.-narrow > Vertical { padding: 0 1; }
        &.-narrow Button { min-width: 8; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stay", "stay", id="unsaved.stay", show=False)]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name_shown = name

    def compose(self) -> ComposeResult:
        """What would be lost, and the choice."""
        with Vertical() as panel:
            panel.border_title = "Unsaved changes"
            yield Static(Content(f"{self._name_shown} was changed and is not saved."), markup=False)
            with Horizontal():
                yield Button("Save", id="save", compact=True, variant="primary")
                yield Button("Discard", id="discard", compact=True)
                yield Button("Stay", id="stay", compact=True)

    def on_mount(self) -> None:
        """A hasty Enter loses nothing."""
        self.query_one("#save").focus()

    @on(Button.Pressed)
    def _choose(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or "stay")

    def action_stay(self) -> None:
        """Nothing happens."""
        self.dismiss("stay")
