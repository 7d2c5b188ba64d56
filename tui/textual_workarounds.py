"""Workarounds for open faults of Textual 8.2, here and nowhere else, each with the condition under which it goes.

Knows nothing of the app.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from textual import events
from textual._keyboard_protocol import MODIFIER_FUNCTIONAL_KEYS
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.color import Color
from textual.css.query import NoMatches
from textual.geometry import Size
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input


class SafeSelection(Screen[None]):
    """Textual issue 6643: a click on Markdown that is being replaced crashes the app.

    The compositor still knows a block whose parent is gone; beginning a selection on it then dereferences None.
    Goes when 6643 is closed and tests/tui/test_clicks_on_removed_widgets.py says so.
    """

    def _forward_event(self, event: events.Event) -> None:
        if isinstance(event, events.MouseEvent):
            widget, _ = self.get_widget_and_offset_at(event.x, event.y)
            if widget is not None and widget is not self and (widget.parent is None or not widget.is_attached):
                self._select_state = None
                self._selecting = False
                return
        try:
            super()._forward_event(event)
        except NoMatches:  # a block asks for the Markdown that it was just removed from
            if not isinstance(event, events.MouseEvent):
                raise
            self._select_state = None
            self._selecting = False


def written(event: events.Key) -> str:
    """The character that a key writes, "" for none.

    Textual asks Python what is printable. That leaves out what joins letters and emoji, spaces of other widths, and
    all that is younger than Python's tables. Goes when it asks what is no control character.
    """
    character = event.character or ""
    is_text = event.is_printable or unicodedata.category(character or "\0") not in _NO_TEXT
    return character if is_text else ""


_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, half characters, ends of lines


def is_bound(widget: Widget, key: str) -> bool:
    """Whether the widget itself does something by a key, by the user's keymap. Goes when Textual can be asked."""
    bound = widget._bindings.copy()
    bound.apply_keymap(widget.app._keymap)
    return key in bound.key_to_bindings


def is_modifier(key: str) -> bool:
    """Some terminals tell of shift and its like pressed alone. Goes when Textual tells that of an event."""
    return key in MODIFIER_FUNCTIONAL_KEYS


async def act_in_order(widget: Widget, event: events.Key, write: Callable[[str], object]) -> bool:
    """Textual inserts a typed character at once and moves the cursor only when the key has gone up to the app: of keys
    that come together, over ssh or from a fast hand, text overtakes arrows and backspace, and lands elsewhere.

    To be awaited first in ``_on_key``: does what the widget itself binds the key to, in its turn, or lets it ``write``
    what Textual would leave out. True: it did. Goes when Textual runs a widget's bindings in the order of its keys.
    """
    for binding in widget._bindings.key_to_bindings.get(event.key, ()):
        if not binding.priority and await widget.app.run_action(binding.action, widget):
            event.stop()
            event.prevent_default()
            return True
    if (text := written(event)) and not event.is_printable:
        write(text)
        event.stop()
        event.prevent_default()
        return True
    return False


class Line(Input):
    """An Input whose keys act in their order, and that takes whatever the terminal sends."""

    def write(self, text: str) -> None:
        """Puts ``text`` in the place of the selection."""
        self.replace(text, *self.selection)

    async def _on_key(self, event: events.Key) -> None:
        await act_in_order(self, event, self.write)


class GrowsDown(Widget):
    """Textual draws all of a widget anew when its height changes, though what stands above has not, and then lays the
    screen out a second time: while an answer comes that is all of it, ten times a second. Without either a frame takes
    half the time.

    Named last among the bases: Textual inherits styles and bindings along the first alone.

    For widgets without a border below and without anything aligned to their bottom or middle; what changes above must
    be refreshed as a region. Goes when Textual keeps the lines of a widget that only grew.
    """

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        cache, before = self._styles_cache, self._size
        kept = dict(cache._cache) if size.width == before.width and size.height >= before.height else {}
        dirty = set(cache._dirty_lines)
        updated = super()._size_updated(size, virtual_size, container_size, layout=False)  # scroll bars see to it
        if kept:
            cache._cache.update(kept)
            cache._dirty_lines.difference_update(kept.keys() - dirty)
        return updated


def events_of(typed: str) -> Iterable[events.Event]:
    """The keys and pastes in what a terminal has sent. Goes when a driver takes text that was read before."""
    parser = XTermParser()
    found = [*parser.feed(typed), *parser.feed("")] if typed else []
    return [message for message in found if isinstance(message, events.Event)]


def go_back_to(app: App[Any], modes: list[Any]) -> None:
    """Textual takes the terminal's modes that it finds for those to go back to; ``modes`` are the user's.

    Goes when an app can name them.
    """
    driver: Any = app._driver
    if hasattr(driver, "attrs_before"):
        driver.attrs_before = modes


@lru_cache(1024)
def _inner_outer(base_background: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base_background + background), Style(background=base_background)


def hold_no_drawn_rows() -> None:
    """Textual remembers colours by the cache of drawn rows that asked for them, and so keeps a thousand of those of
    widgets long gone: 0.3 MB for each answer. Colours do not depend on who asks.

    Goes when ``get_inner_outer`` is no cached method any more.
    """
    StylesCache.get_inner_outer = lambda _, *colours: _inner_outer(*colours)  # type: ignore[method-assign, assignment]


class QuietCrash(App[None]):
    """Textual prints an unhandled exception as a page of source with the values of all variables: what was written too.

    Goes when Textual lets an app say how it ends.
    """

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    @property
    def defect(self) -> Exception | None:
        """What ended the app, where that was no wish of the user's."""
        return self._exception
