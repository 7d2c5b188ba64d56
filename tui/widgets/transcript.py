"""The conversation from top to bottom. Follows the newest text until the user scrolls away, and again once back."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from tui.state import Turn
from tui.textual_workarounds import GrowsDown
from tui.widgets.question import Question
from tui.widgets.welcome import Welcome

WINDOW = 16  # turns; they fill the tallest screen and are laid out within a tenth of a second
MOST_ITEMS = 2 * WINDOW  # in the column while a conversation goes on; an answer is some 0.3 MB of widgets and rows
AHEAD = 8  # turns after one that was searched for


class _Column(Vertical, GrowsDown):
    """What scrolls."""


class Transcript(VerticalScroll, GrowsDown, can_focus=True):
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

    def __init__(self, *, tinted: bool = False) -> None:
        super().__init__()
        # At least as tall as the view: Textual scrolls an anchored view with less in it to a negative offset.
        self._column = _Column(Welcome(), id="column")
        self._turns: Sequence[Turn] = ()
        self._make: Callable[[Turn], Widget] = lambda _: Welcome()
        self._first = self._last = 0
        self._growing = False
        self.tinted = tinted

    def compose(self) -> ComposeResult:
        """The column."""
        yield self._column

    @property
    def items(self) -> tuple[Widget, ...]:
        """What stands in the column, in order."""
        return tuple(self._column.children)

    @property
    def turns_in_view(self) -> list[Turn]:
        """Turns of which something is to be seen, of those that were there when the conversation was shown."""
        view = self.region
        return [t for t, item in zip(self._turns[self._first : self._last], self.items, strict=False)
                if item.region.overlaps(view)]  # fmt: skip

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
        self.forget_window()
        await self._column.remove_children()
        await self._column.mount(Welcome())
        self.follow()

    # A long conversation is a window of turns: the screen is there at once, however long it is

    async def show(self, turns: Sequence[Turn], make: Callable[[Turn], Widget], around: int | None = None) -> None:
        """The last turns of a conversation, or those around one of them; scrolling on brings the others."""
        last = len(turns) if around is None else min(len(turns), around + AHEAD)
        self._turns, self._make = tuple(turns), make
        self._first, self._last = max(0, min(last - WINDOW, around if around is not None else last)), last
        widgets = [make(turn) for turn in turns[self._first : last]]
        async with self.batch():
            await self._column.remove_children()
            await self._column.mount_all(widgets or [Welcome()])
        if around is None:
            self.follow()
        else:
            self.release_anchor()
            target = widgets[around - self._first]
            self.call_after_refresh(self.scroll_to_widget, target, animate=False, top=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """At either end of the window more is brought."""
        super().watch_scroll_y(old_value, new_value)
        if self._growing or not self.is_mounted:
            return
        if new_value <= 1 and new_value < old_value and self._first > 0:
            self._growing = True
            self.call_later(self._bring_earlier)
        elif new_value >= self.max_scroll_y and new_value > old_value and self._last < len(self._turns):
            self._growing = True
            self.call_later(self._bring_later)

    async def _bring_earlier(self) -> None:
        first = max(0, self._first - WINDOW)
        before = self._column.size.height
        await self._column.mount_all([self._make(t) for t in self._turns[first : self._first]], before=0)
        self._first = first

        def stay() -> None:
            self.scroll_to(y=self.scroll_y + self._column.size.height - before, animate=False)
            self._growing = False

        self.call_after_refresh(stay)

    async def _bring_later(self) -> None:
        last = min(len(self._turns), self._last + WINDOW)
        await self._column.mount_all([self._make(t) for t in self._turns[self._last : last]])
        self._last, self._growing = last, False

    async def shorten(self, turns: Sequence[Turn], make: Callable[[Turn], Widget]) -> None:
        """Takes away what stands far above the end of a long conversation; scrolling up brings it back."""
        if len(self.items) <= MOST_ITEMS or self.scroll_y < self.max_scroll_y:
            return
        questions = (item for item in self.items[-WINDOW:] if isinstance(item, Question) and item.turn is not None)
        if (begin := next(questions, None)) is None:
            return
        first = next((n for n, turn in enumerate(turns) if turn is begin.turn), None)
        if first is not None:
            self._turns, self._make, self._first, self._last = tuple(turns), make, first, len(turns)
            async with self.batch():
                await self._column.remove_children(self.items[: self.items.index(begin)])

    def tint(self, tinted: bool) -> None:
        """Colours the answers by where their text came from, or no longer; also those that come into view later."""
        if tinted == self.tinted:
            return
        from tui.widgets.answer import Answer  # the Markdown parser is 45 ms of imports that the first frame can spare

        self.tinted = tinted
        for item in self.items:
            if isinstance(item, Answer):
                item.tint(tinted)

    def forget_window(self) -> None:
        """What stands in the column is all there is."""
        self._turns, self._first, self._last = (), 0, 0

    @property
    def ends_early(self) -> bool:
        """The end of the conversation is not in the column."""
        return self._last < len(self._turns)

    def follow(self) -> None:
        """To the newest text, and stay with it."""
        self.anchor()
