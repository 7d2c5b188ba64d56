"""One line in which the user says how a text is to be changed."""

from textual.content import Content

from tui.widgets.line_box import LineBox


class InstructionBox(LineBox):
    """Enter hands it over."""

    def __init__(self) -> None:
        super().__init__("What should change? For example: use pathlib")
        self.border_subtitle = "enter rewrites · esc not now"

    def ask_about(self, what: str) -> None:
        """Shows itself. ``what``: which text it is about."""
        self.border_title = Content(f"Rewrite {what}")
        self.ask()
