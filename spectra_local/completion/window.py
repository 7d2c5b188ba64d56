"""How much of a file a gap's prompt gets: whole lines before and after it, cut where the cut seldom moves.

A prompt whose beginning moves with each line typed would be evaluated anew each time.
"""

from dataclasses import dataclass, replace

from spectra_local.protocol import FillIn

_GRAIN = 64  # lines by which the beginning moves


@dataclass(frozen=True, slots=True)
class Window:
    """Lines before and after a gap; fewer where they are long."""

    lines_before: int
    lines_after: int
    chars_before: int
    chars_after: int


ON_GPU = Window(256, 64, 24_000, 6_000)  # lines as llama.vim sends; some 8,000 tokens at most
# The first suggestion in a file waits until all of it is read. With 1.5B parameters on two cores that takes a minute
# and a half for what llama.vim sends, and half a minute for this.
ON_CPU = Window(64, 32, 4_000, 1_500)


def windowed(fill_in: FillIn, device: str = "") -> FillIn:
    """``fill_in`` without what is far from the gap. The end of the prefix and the start of the suffix stay.

    ``device``: ModelInfo's; "": the larger window, which holds every other.
    """
    window = ON_CPU if device.startswith("CPU") else ON_GPU
    return replace(fill_in, prefix=_end(fill_in.prefix, window), suffix=_start(fill_in.suffix, window))


def _end(text: str, window: Window) -> str:
    dropped = max(0, text.count("\n") - window.lines_before) // _GRAIN * _GRAIN
    at = 0
    for _ in range(dropped):
        at = text.index("\n", at) + 1
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
