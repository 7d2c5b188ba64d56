"""One line with the words that are looked for in a text, and how many places have them."""

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from tui.keys import SEARCH_KEYS, bindings
from tui.widgets.line_box import LineBox


class SearchBox(LineBox):
    """Says when another place is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(SEARCH_KEYS)

    class Stepped(Message):
        """To the next place (1) or the one before (-1)."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__("Words to find; capitals count where you type some")
        self.border_title = "Search"
        self.tell()

    def action_step(self, step: int) -> None:
        """To another place."""
        self.post_message(self.Stepped(step))

    def tell(self, number: int = 0, most: int = 0) -> None:
        """Which of how many places is shown, from 1; none where there is none."""
        keys = "esc closes" if self.is_attached and self.screen.has_class("-narrow") else (
            "enter next · up before · esc closes"
        )  # fmt: skip
        found = f"{number:,} of {most:,}" if most else "nothing found" if self.value else ""
        self.border_subtitle = Content(" · ".join(words for words in (found, keys) if words))
