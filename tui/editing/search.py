"""Where words occur in a text, and which of the places is next. Knows text only."""

import re


def places(text: str, words: str) -> list[int]:
    """Where ``words`` begin, in order; capitals count where some were typed."""
    if not words:
        return []
    case = re.NOFLAG if words != words.lower() else re.IGNORECASE
    return [match.start() for match in re.finditer(re.escape(words), text, case)]


def place_from(found: list[int], at: int, step: int = 0) -> int:
    """The number of the place to go to: with a step of 0 the first from ``at`` on, with 1 and -1 the next and the one
    before; beyond the last comes the first. ``found`` is not empty."""
    if step < 0:
        return max((n for n, place in enumerate(found) if place < at), default=len(found) - 1)
    return next((n for n, place in enumerate(found) if place >= at + step), 0)


def location(text: str, offset: int) -> tuple[int, int]:
    """Row and column of a place, from 0."""
    row = text.count("\n", 0, offset)
    return row, offset - (text.rfind("\n", 0, offset) + 1)
