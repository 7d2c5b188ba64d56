"""What a screen looks like, cell by cell, as text that a person can read and a test can compare.

Independent of Textual's version and of ids in its SVG: first the characters, then for each theme the style of each
cell, a letter for a style, in runs.
"""

from functools import cache
from itertools import groupby
from operator import itemgetter

from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.pilot import Pilot

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike", "reverse")


SAME_LOOKS = 4  # in a row: a resize on a busy machine arrives in steps
LOOK_EVERY_S = 0.04


async def settled(pilot: Pilot[None]) -> None:
    """Waits until the screen has the app's size and looks the same for a while."""
    before, same = ("", ""), 0
    while same < SAME_LOOKS or pilot.app.screen.size != pilot.app.size:
        await pilot.pause(LOOK_EVERY_S)
        now = (characters(pilot.app), styles(pilot.app))
        before, same = now, same + 1 if now == before else 0


def characters(app: App[None]) -> str:
    """The characters of the screen."""
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines(app))


def styles(app: App[None]) -> str:
    """The legend of styles, then the runs of each line: ``12a`` is twelve cells of style a."""
    legend: dict[str, str] = {}
    rows: list[str] = []
    for line in lines(app):
        rows.append("")
        cells = [(_described(segment.style), segment.cell_length) for segment in line]
        for style, run in groupby(cells, key=itemgetter(0)):
            letter = legend.setdefault(style, _letter(len(legend)))
            rows[-1] += f"{sum(length for _, length in run)}{letter}"
    return "\n".join([*(f"{letter} = {style}" for style, letter in legend.items()), *rows])


def lines(app: App[None]) -> list[list[Segment]]:
    """What is drawn, a list of segments for each line of the screen."""
    return [list(strip) for strip in app.screen._compositor.render_strips(app.size)]


def _letter(n: int) -> str:
    return _LETTERS[n] if n < len(_LETTERS) else f"({n})"


@cache
def _described(style: Style | None) -> str:
    if style is None:
        return "-"
    colours = (_name(style.color), _name(style.bgcolor))
    return " ".join([*colours, *(name for name in _ATTRIBUTES if getattr(style, name))])


def _name(colour: Color | None) -> str:
    return "-" if colour is None or colour.type is ColorType.DEFAULT else colour.name
