"""A line to write in below a text, hidden until something is asked."""

from tui.textual_workarounds import Line


class LineBox(Line):
    """What the user wrote stays for the next time."""

    DEFAULT_CSS = """
    LineBox {
        width: 100%; height: 3; padding: 0 1; background: $background;
        border: round $primary 60%; border-title-color: $text-primary; border-subtitle-color: $text-muted;
        &:focus { border: round $primary; }
    }
    """

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, select_on_focus=True)
        self.cursor_blink = False
        self.display = False

    @property
    def is_asking(self) -> bool:
        """It is on the screen."""
        return self.display

    def ask(self) -> None:
        """Shows itself and takes the keyboard, at once: what is typed next must not go where it went before."""
        self.display = True
        self.screen.set_focus(self)

    def put_away(self) -> None:
        """Hides itself."""
        self.display = False
