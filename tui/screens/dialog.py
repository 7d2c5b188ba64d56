"""A few words in the middle of the screen and a row of buttons: what all questions to the user look like."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui.screens.panel import Answer, PanelScreen


class DialogScreen(PanelScreen[Answer]):
    """Over what is being asked about. Subclasses give the buttons, and say what each one ends it with."""

    DEFAULT_CSS = """
    DialogScreen {
        & > #panel { width: 60; overflow-y: auto; }
        Static { width: 100%; margin: 0 0 1 0; }
        Horizontal { height: auto; align-horizontal: right; }
    }
    """
    DEFAULT_BUTTON: ClassVar[str]  # id of the one that a hasty Enter presses: it loses nothing

    def __init__(self, title: str, words: str) -> None:
        super().__init__()
        self._title, self._words = title, words

    def compose(self) -> ComposeResult:
        """What would happen, and the choice."""
        with Vertical(id="panel") as panel:
            panel.border_title = self._title
            yield Static(Content(self._words), markup=False)
            with Horizontal():
                yield from self.buttons()

    def buttons(self) -> list[Button]:
        """From left to right."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """A hasty Enter loses nothing."""
        self.set_focus(self.query_one(f"#{self.DEFAULT_BUTTON}"))
