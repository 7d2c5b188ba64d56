"""The box the user writes in: grows with the text up to a third of the screen, takes any paste, sends on Enter."""

from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.widgets import TextArea

from spectra_local.printable import printable
from tui.keys import COMPOSER_KEYS, bindings
from tui.pastes import Pastes
from tui.textual_workarounds import act_in_order

PREFIX = "/"  # of a command, as in commands/registry.py, which stands above this
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

    class Stepped(Message):
        """Up (-1) or down (1) was pressed where the text ends, or while a list of completions is open."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    class Completed(Message):
        """A completion is wanted. ``sending``: the key that sends was pressed, which may mean the text as it is."""

        def __init__(self, *, sending: bool) -> None:
            super().__init__()
            self.sending = sending

    def __init__(self, **options: Any) -> None:
        super().__init__(placeholder="Ask anything", highlight_cursor_line=False, **options)
        self.cursor_blink = False
        self.is_completing = False  # a list of completions is open: it gets the keys up, down, tab and send
        self._pastes = Pastes()

    @property
    def message(self) -> str:
        """What was written, long pastes in full."""
        return self._pastes.unfolded(self.text)

    @property
    def before_cursor(self) -> str:
        """The line up to the cursor; in any line but the first with a line break before it."""
        row, column = self.cursor_location
        return "\n" * bool(row) + self.document[row][:column]

    def show_text(self, text: str) -> None:
        """Another text in the place of what is there, with the cursor at its end; folded where it is long."""
        self.load_text(self._pastes.folded(printable(text)))
        self.move_cursor(self.document.end)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines, up to a third of the screen with the frame; the rest scrolls."""
        most = max(LEAST_ROWS, viewport.height // 3 - 2)
        return min(super().get_content_height(container, viewport, width), most)

    def action_send(self) -> None:
        """Hands the text over, after the keys before it: bindings are checked before typed keys are inserted."""
        self.call_later(self._send)

    def _send(self) -> None:
        # A command is asked about even so: typed fast, its completions may not have been looked up yet.
        if self.is_completing or self.text.startswith(PREFIX):
            self.post_message(self.Completed(sending=True))
        else:
            self.send_text()

    def send_text(self) -> None:
        """Empties the box at once, so that what is typed next stays; who cannot take the text gives it back."""
        text = self.message
        if text.strip():
            self.clear()
        self.post_message(self.Sent(text))

    def action_complete(self) -> None:
        """Takes a completion; without any nothing happens: where focus went next, typing would be lost unseen."""
        self.call_later(self._complete)

    def _complete(self) -> None:
        if self.is_completing:
            self.post_message(self.Completed(sending=False))

    def complete(self, typed: str, text: str) -> None:
        """Puts ``text`` in the place of ``typed``, the last characters before the cursor."""
        row, column = self.cursor_location
        self._replace_via_keyboard(text, (row, column - len(typed)), (row, column))

    def action_cursor_up(self, select: bool = False) -> None:
        """In the first line it leads to earlier prompts."""
        at_edge = self.navigator.is_first_wrapped_line(self.cursor_location)
        if not select and (self.is_completing or at_edge):
            self.post_message(self.Stepped(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """In the last line it leads to later prompts."""
        at_edge = self.navigator.is_last_wrapped_line(self.cursor_location)
        if not select and (self.is_completing or at_edge):
            self.post_message(self.Stepped(1))
        else:
            super().action_cursor_down(select)

    def action_delete_left(self) -> None:
        """A folded paste goes as a whole: a part of its mark would mean nothing."""
        row, column = self.cursor_location
        length = self._pastes.mark_before(self.document[row][:column]) if self.selection.is_empty else 0
        if length:
            self._replace_via_keyboard("", (row, column - length), (row, column))
        else:
            super().action_delete_left()

    def action_newline(self) -> None:
        """A line break at the cursor."""
        self.call_later(self._insert_newline)

    def _insert_newline(self) -> None:
        self.write("\n")

    def write(self, text: str) -> None:
        """Puts ``text`` in the place of the selection."""
        self._replace_via_keyboard(text, *self.selection)

    async def _on_key(self, event: events.Key) -> None:
        await act_in_order(self, event, self.write)

    async def _on_paste(self, event: events.Paste) -> None:
        """Terminals send line ends of a paste as carriage returns; other control characters become visible."""
        event.prevent_default()
        text = printable(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if result := self._replace_via_keyboard(self._pastes.folded(text), *self.selection):
            self.move_cursor(result.end_location)

    def action_clear_all(self) -> None:
        """Empties the box; undo brings the text back."""
        self.select_all()
        self._replace_via_keyboard("", *self.selection)

    def give_back(self, text: str) -> None:
        """Puts a message back in front of what has been typed since."""
        shown = self._pastes.folded(printable(text))
        self.text = f"{shown}\n{self.text}" if self.text else shown
        self.move_cursor(self.document.end)
