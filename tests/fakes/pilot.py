"""Driving the app in tests: wait for what is to be seen, never for a time."""

import time
from collections.abc import Callable

from fakes.picture import characters
from textual.pilot import Pilot

PATIENCE_S = 60.0


async def wait_until(pilot: Pilot[None], predicate: Callable[[], object], what: str = "") -> None:
    """Lets the app run until ``predicate`` holds; fails with the screen's text if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what or predicate}\n{screen_text(pilot)}")
        await pilot.pause(0.01)


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, as lines of text."""
    return characters(pilot.app)


def has_ended(pilot: Pilot[None]) -> bool:
    """Whether the app ends or has ended."""
    return pilot.app.return_code is not None
