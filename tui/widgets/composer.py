"""The box the user writes in: grows with the text up to a third of the screen, takes any paste, sends on Enter."""

from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.widgets import TextArea

from spectra_local.printable import printable
from tui.keys import COMPOSER_KEYS, bindings

LEAST_ROWS = 2  # that can be used on the smallest screen


class Composer(TextArea):
    """A plain text area without syntax, numbers or blinking (a blink is two repaints a second for nothing)."""

    DEFAULT_CSS = """
    Composer {
        width: 100%;
        height: auto;
        min-height: 3;
        padding: 0 1;
        border: round $panel;
        background: $background;
        border-subtitle-color: $text-muted;
        border-subtitle-align: right;
        scrollbar-size-vertical: 1;
        &:focus { border: round $primary 60%; }
        & .text-area--placeholder { color: $foreground 45%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(COMPOSER_KEYS)

    class Sent(Message):
        """The user pressed Enter. ``text`` may be blank."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, **options: Any) -> None:
        super().__init__(placeholder="Ask anything", highlight_cursor_line=False, **options)
        self.cursor_blink = False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines, up to a third of the screen with the frame; the rest scrolls."""
        most = max(LEAST_ROWS, viewport.height // 3 - 2)
        return min(super().get_content_height(container, viewport, width), most)

    def action_send(self) -> None:
        """Hands the text over, after the keys before it: bindings are checked before typed keys are inserted."""
        self.call_later(self._send)

    def _send(self) -> None:
        """Empties the box at once, so that what is typed next stays; who cannot take the text gives it back."""
        text = self.text
        if text.strip():
            self.clear()
        self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        """A line break at the cursor."""
        self.call_later(self._insert_newline)

    def _insert_newline(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)

    async def _on_paste(self, event: events.Paste) -> None:
        """Terminals send line ends of a paste as carriage returns; other control characters become visible."""
        event.prevent_default()
        text = printable(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)

    def action_clear_all(self) -> None:
        """Empties the box; undo brings the text back."""
        self.select_all()
        self._replace_via_keyboard("", *self.selection)

    def give_back(self, text: str) -> None:
        """Puts a message back in front of what has been typed since."""
        shown = printable(text)
        self.text = f"{shown}\n{self.text}" if self.text else shown
        self.move_cursor(self.document.end)
