"""The conversation from top to bottom. Follows the newest text until the user scrolls away, and again once back."""

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from tui.widgets.welcome import Welcome


class Transcript(VerticalScroll, can_focus=True):
    """A column of turns, as wide as text is still pleasant to read."""

    DEFAULT_CSS = """
    Transcript {
        height: 1fr;
        align-horizontal: center;
        padding: 0 2;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $panel;
        & > #column { height: auto; min-height: 100%; max-width: 100; padding: 1 0 0 0; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        # At least as tall as the view: Textual scrolls an anchored view with less in it to a negative offset.
        self._column = Vertical(Welcome(), id="column")

    def compose(self) -> ComposeResult:
        """The column."""
        yield self._column

    @property
    def items(self) -> tuple[Widget, ...]:
        """What stands in the column, in order."""
        return tuple(self._column.children)

    async def add(self, item: Widget) -> None:
        """Puts ``item`` at the end, and follows it."""
        await self._column.query(Welcome).remove()
        await self._column.mount(item)
        self.follow()

    async def remove_after(self, item: Widget) -> None:
        """Takes away all that comes after ``item``."""
        await self._column.remove_children(self.items[self.items.index(item) + 1 :])

    async def clear(self) -> None:
        """Back to the welcome."""
        await self._column.remove_children()
        await self._column.mount(Welcome())
        self.follow()

    def follow(self) -> None:
        """To the newest text, and stay with it."""
        self.anchor()
