"""How much of a file a gap's prompt gets: whole lines before and after it, cut where the cut seldom moves.

A prompt whose beginning moves with each line typed would be evaluated anew each time.
"""

from dataclasses import KW_ONLY, dataclass, replace

from spectra_local.protocol import FillIn

_GRAIN = 64  # lines by which the beginning moves


@dataclass(frozen=True, slots=True)
class Window:
    """Lines before and after a gap; fewer where they are long, and fewer still where they are dense."""

    lines_before: int
    lines_after: int
    chars_before: int
    chars_after: int
    _: KW_ONLY
    tokens: int  # of the file itself: characters say little of a line of numbers or in another script
    extra_tokens: int  # of other files


ON_GPU = Window(256, 64, 24_000, 6_000, tokens=8_192, extra_tokens=32_768)  # lines as llama.vim sends
# The first suggestion in a file waits until all of it is read. With 1.5B parameters on two cores that takes a minute
# and a half for what llama.vim sends, and half a minute for this. So many lines of ordinary code are some 1,000 tokens;
# as many characters of one line of numbers are 3,000, which took even 0.5B parameters 40 s. Of other files one stretch
# of 64 lines, as llama.vim gathers them, fits in.
ON_CPU = Window(64, 32, 4_000, 1_500, tokens=1_024, extra_tokens=768)


def window_for(device: str) -> Window:
    """``device``: ModelInfo's; "": the larger window, which holds every other."""
    return ON_CPU if device.startswith("CPU") else ON_GPU


def windowed(fill_in: FillIn, device: str = "") -> FillIn:
    """``fill_in`` without what is far from the gap, its middle at the end of its prefix.

    The end of the prefix and the start of the suffix stay. ``device``: as for ``window_for``.
    """
    window = window_for(device)
    before = _end(fill_in.prefix + fill_in.middle, window)
    return replace(fill_in, prefix=before, middle="", suffix=_start(fill_in.suffix, window))


def _end(text: str, window: Window) -> str:
    n_lines = text.count("\n")
    dropped = max(0, n_lines - window.lines_before) // _GRAIN * _GRAIN
    at = 0
    if dropped:
        end = len(text)
        for _ in range(n_lines - dropped + 1):  # from the end: the lines that are dropped may be millions
            end = text.rindex("\n", 0, end)
        at = end + 1
    if len(text) - at > window.chars_before:
        step = window.chars_before // 4
        at = -(-(len(text) - window.chars_before) // step) * step
        line = text.find("\n", at, at + step)
        at = line + 1 if line >= 0 else at
    return text[at:]


def _start(text: str, window: Window) -> str:
    end = 0
    for _ in range(window.lines_after):
        end = text.find("\n", end) + 1
        if not end:
            return text[: window.chars_after]
    return text[: min(end, window.chars_after)]
