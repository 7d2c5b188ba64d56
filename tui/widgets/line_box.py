"""A line to write in below a text, hidden until something is asked."""

from textual import events
from textual.widgets import Input

from tui.textual_workarounds import act_in_order


class LineBox(Input):
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

    async def _on_key(self, event: events.Key) -> None:
        await act_in_order(self, event)

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
