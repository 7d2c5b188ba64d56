"""Asks which of several things is to become of something."""

from textual import on
from textual.widgets import Button

from tui.screens.dialog import DialogScreen


class ChoiceScreen(DialogScreen[str]):
    """Ends with the id of the button that was pressed, or with what a key chooses."""

    DEFAULT_CSS = """
    ChoiceScreen {
        & > #panel { border: round $warning 60%; border-title-color: $text-warning; }
        &.-narrow Button { min-width: 8; }
    }
    """

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_choose(event.button.id or self.DEFAULT_BUTTON)

    def action_choose(self, answer: str) -> None:
        """Ends with it."""
        self.dismiss(answer)
