"""Where typing goes: to the field that a screen begins with, from wherever the keyboard is, unless a field has it.

A click on a text to read, or a list, gives the keyboard to that; what is typed then would be lost unseen.
"""

from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.textual_workarounds import is_bound, written

if TYPE_CHECKING:
    from textual.screen import Screen


def bring_home(screen: "Screen[object]", event: events.Key | events.Paste) -> None:
    """Gives the keyboard back to the field where ``event`` is meant for it. To be called before it is forwarded."""
    focused, field = screen.focused, _field_of(screen)
    if field is None or isinstance(focused, Input | TextArea):
        return
    if focused is None or isinstance(event, events.Paste) or _means_field(event, field, focused):
        screen.set_focus(field, scroll_visible=False)


def _field_of(screen: "Screen[object]") -> Widget | None:
    """None where a screen begins with something else, as dialogs do."""
    fields = screen.query(screen.AUTO_FOCUS) if screen.AUTO_FOCUS else ()
    return next((field for field in fields if isinstance(field, Input | TextArea) and field.focusable), None)


def _means_field(event: events.Key, field: Widget, focused: Widget) -> bool:
    """What ``focused`` does by a key, scrolling or choosing, it goes on doing."""
    return not is_bound(focused, event.key) and bool(written(event) or is_bound(field, event.key))
