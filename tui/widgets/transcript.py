"""The conversation from top to bottom. Follows the newest text until the user scrolls away, and again once back."""

from textual.containers import VerticalScroll


class Transcript(VerticalScroll, can_focus=True):
    """A column of turns, as wide as text is still pleasant to read."""

    DEFAULT_CSS = """
    Transcript {
        height: 1fr;
        align-horizontal: center;
        padding: 1 2 0 2;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $panel;
        & > * { max-width: 100; }
    }
    """

    def follow(self) -> None:
        """To the newest text, and stay with it."""
        self.anchor()
