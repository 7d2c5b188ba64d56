"""Textual issue 6643: the compositor still knows a widget that is gone, and a click on it crashed the app."""

import pytest
from textual import events
from textual.app import App
from textual.screen import Screen
from textual.widgets import Static

from tui.textual_workarounds import SafeSelection


class Screens(App[None]):
    def __init__(self, screen: type[Screen[None]]) -> None:
        super().__init__()
        self._screen = screen

    def get_default_screen(self) -> Screen[None]:
        return self._screen()


async def click_on_a_removed_widget(screen_type: type[Screen[None]]) -> None:
    async with Screens(screen_type).run_test(size=(20, 5)) as pilot:
        screen = pilot.app.screen
        widget = Static("some text", markup=False)
        await screen.mount(widget)
        await pilot.pause()
        offset = widget.region.offset
        parent = widget._parent
        widget._detach()
        try:
            screen._forward_event(events.MouseDown(widget, *offset, 0, 0, 1, False, False, False, offset.x, offset.y))
        finally:
            widget._parent = parent
        await pilot.pause()


async def test_a_click_on_a_removed_widget_is_ignored():
    await click_on_a_removed_widget(SafeSelection)


async def test_the_workaround_is_still_needed():
    """When this fails, Textual has mended it: take SafeSelection out."""
    with pytest.raises(AttributeError):
        await click_on_a_removed_widget(Screen)
