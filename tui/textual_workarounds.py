"""Workarounds for open faults of Textual 8.2, here and nowhere else, each with the condition under which it goes.

Knows nothing of the app.
"""

from textual import events
from textual.css.query import NoMatches
from textual.screen import Screen


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
