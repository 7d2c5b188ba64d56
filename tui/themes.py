"""The two palettes, and which one suits the terminal. Colours are named by role; no widget names a colour."""

import os

from textual.theme import Theme

from spectra_local.protocol import Source


def _tints(*colours: str) -> dict[str, str]:
    """The colour of each source of guesses, as variables of a theme."""
    return {f"tint-{source}": colour for source, colour in zip(Source, colours, strict=True)}


# Colours that stay apart where a terminal has 256 or 16 of them, and as letters: a tinted ground would turn grey there.
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
    variables=_tints("#55d0f5", "#5fe07a", "#ffb84d", "#d58cff", "#ff7a90", "#86a4ff"),
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
    variables=_tints("#0b6fa8", "#0e7a2e", "#a85000", "#8a1fc4", "#b01030", "#2f4bd8"),
)

_ANSI_TINTS = _tints("ansi_cyan", "ansi_green", "ansi_yellow", "ansi_magenta", "ansi_red", "ansi_blue")

_FIRST_LIGHT_BACKGROUND = 7  # of the 16 colours in COLORFGBG, 7 and 9..15 are light; 8 is dark grey


def preferred() -> str:
    """The name of the theme for this terminal: rxvt, Konsole, Emacs and others tell their background in COLORFGBG."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    light = background.isdecimal() and int(background) >= _FIRST_LIGHT_BACKGROUND and int(background) != 8
    return LIGHT.name if light else DARK.name


def tints_for(theme: Theme) -> dict[str, str]:
    """The colours of sources for a theme that has none of its own: one of Textual's."""
    return _ANSI_TINTS if theme.ansi else (DARK if theme.dark else LIGHT).variables
