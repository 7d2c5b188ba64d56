"""The two palettes, and which one suits the terminal. Colours are named by role; no widget names a colour."""

import os

from textual.theme import Theme

DARK = Theme(
    name="spectra-dark",
    dark=True,
    primary="#a394ff",
    secondary="#62c6d4",
    accent="#f0b072",
    foreground="#d9dbe6",
    background="#14151b",
    surface="#1b1d26",
    panel="#262936",
    success="#86cfa0",
    warning="#e8c27a",
    error="#f08a94",
)
LIGHT = Theme(
    name="spectra-light",
    dark=False,
    primary="#5d4cd0",
    secondary="#0a7886",
    accent="#a85d10",
    foreground="#2b2c36",
    background="#fcfbf9",
    surface="#f3f1ee",
    panel="#e6e3de",
    success="#2c7a4b",
    warning="#8a6100",
    error="#b3303e",
)

_FIRST_LIGHT_BACKGROUND = 7  # of the 16 colours in COLORFGBG, 7 and 9..15 are light; 8 is dark grey


def preferred() -> str:
    """The name of the theme for this terminal: rxvt, Konsole, Emacs and others tell their background in COLORFGBG."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    light = background.isdecimal() and int(background) >= _FIRST_LIGHT_BACKGROUND and int(background) != 8
    return LIGHT.name if light else DARK.name
