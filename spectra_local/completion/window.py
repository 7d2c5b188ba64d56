"""How much of a file a gap's prompt gets: whole lines before and after it, cut where the cut seldom moves.

A prompt whose beginning moves with each line typed would be evaluated anew each time.
"""

from dataclasses import replace

from spectra_local.protocol import FillIn

LINES_BEFORE, LINES_AFTER = 256, 64  # as llama.vim sends
_GRAIN = 64  # lines by which the beginning moves
_MOST_CHARS_BEFORE, _MOST_CHARS_AFTER = 24_000, 6_000  # where lines are long; some 8,000 tokens


def windowed(fill_in: FillIn) -> FillIn:
    """``fill_in`` without what is far from the gap. The end of the prefix and the start of the suffix stay."""
    return replace(fill_in, prefix=_end(fill_in.prefix), suffix=_start(fill_in.suffix))


def _end(text: str) -> str:
    n_lines = text.count("\n")
    dropped = max(0, n_lines - LINES_BEFORE) // _GRAIN * _GRAIN
    at = 0
    for _ in range(dropped):
        at = text.index("\n", at) + 1
    if len(text) - at > _MOST_CHARS_BEFORE:
        step = _MOST_CHARS_BEFORE // 4
        at = -(-(len(text) - _MOST_CHARS_BEFORE) // step) * step
        line = text.find("\n", at, at + step)
        at = line + 1 if line >= 0 else at
    return text[at:]


def _start(text: str) -> str:
    end = 0
    for _ in range(LINES_AFTER):
        end = text.find("\n", end) + 1
        if not end:
            return text[:_MOST_CHARS_AFTER]
    return text[: min(end, _MOST_CHARS_AFTER)]
