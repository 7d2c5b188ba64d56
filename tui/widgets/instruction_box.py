"""One line in which the user says how a text is to be changed."""

from textual.content import Content
from textual.widgets import Input


class InstructionBox(Input):
    """Hidden until it is asked for."""

    DEFAULT_CSS = """
    InstructionBox {
        display: none; width: 100%; height: 3; padding: 0 1; background: $background;
        border: round $primary 60%; border-title-color: $text-primary; border-subtitle-color: $text-muted;
        &:focus { border: round $primary; }
        &.-asking { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__(placeholder="What should change? For example: use pathlib", select_on_focus=True)
        self.cursor_blink = False
        self.border_subtitle = "enter rewrites · esc not now"

    def ask(self, what: str) -> None:
        """Shows itself and takes the keyboard. ``what``: of which text it is."""
        self.border_title = Content(f"Rewrite {what}")
        self.add_class("-asking")
        self.focus()

    def put_away(self) -> None:
        """Hides itself; what was written stays for the next time."""
        self.remove_class("-asking")
