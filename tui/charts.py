"""Charts as text: bars beside words, columns over a scale. Knows numbers and widths, nothing of what they mean.

Labels must be printable already.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BAR, _HALF_BAR = "━", "╸"
_EMPTY_STYLE = "$foreground 15%"
_WORDS_STYLE = "$text-muted"
_MOST_BAR, _LEAST_BAR = 40, 4  # cells: longer bars say no more, shorter ones nothing
_WIDEST_COLUMN = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: a label, amounts in their styles one after the other, and what to say of them."""

    label: str
    parts: tuple[tuple[float, str], ...]
    words: str

    @property
    def amount(self) -> float:
        """All parts together."""
        return sum(amount for amount, _ in self.parts)


def bars(rows: Sequence[Bar], width: int, *, full: float | None = None) -> Content:
    """Rows whose bars end at ``full``, or where the longest does. Where words do not fit they are cut."""
    full = full or max((row.amount for row in rows), default=0.0)
    label = max((len(row.label) for row in rows), default=0)
    words = max((len(row.words) for row in rows), default=0)
    cells = max(_LEAST_BAR, min(_MOST_BAR, width - label - words - 4))
    lines = [
        Content.assemble(
            f"{row.label:<{label}}  ", _bar(row, cells, full), "  ", (f"{row.words:<{words}}".rstrip(), _WORDS_STYLE)
        ).truncate(max(width, 1), ellipsis=True)
        for row in rows
    ]
    return Content("\n").join(lines)


def _bar(row: Bar, cells: int, full: float) -> Content:
    halves, pieces, filled = 2 * cells, [], 0
    done = 0.0
    for amount, style in row.parts:
        done += amount
        end = round(halves * min(1.0, done / full)) if full > 0 else 0
        if amount > 0 and row.parts[0][0] == amount == row.amount:
            end = max(end, 1)  # anything at all is to be seen
        whole, filled_cells = end // 2, (filled + 1) // 2
        text = _BAR * max(0, whole - filled_cells) + (_HALF_BAR if end % 2 and end > filled else "")
        pieces.append(Content.styled(text, style))
        filled = max(filled, end)
    used = sum(piece.cell_length for piece in pieces)
    return Content.assemble(*pieces, (_BAR * (cells - used), _EMPTY_STYLE))


def columns(values: Sequence[float], width: int, height: int, *, style: str) -> Content:
    """One column a value, as many as fit, numbered from 1 below; the scale at the left begins at 0."""
    most = max(values, default=0.0)
    if most <= 0:
        return Content("")
    scale = max(len(_figure(most)), len(_figure(0.0))) + 1
    if width < 2 * scale:
        scale = 0  # no room for it
    room = max(1, width - scale)
    values = values[:room]
    most = max(values) or 1.0
    cells = max(1, min(_WIDEST_COLUMN, room // len(values)))
    lines = []
    for row in range(height, 0, -1):
        text = "".join(_EIGHTHS[_eighths(value / most * height, row)] * cells for value in values)
        mark = _figure(most) if row == height else _figure(most / 2) if 2 * row == height else ""
        marked = f"{mark:>{scale - 1}} " if scale else ""
        lines.append(Content.assemble((marked, _WORDS_STYLE), (text, style)))
    lines.append(Content.styled(" " * scale + _numbers(len(values), cells, room), _WORDS_STYLE))
    return Content("\n").join(lines)


def _eighths(filled: float, row: int) -> int:
    """How much of the cell in ``row``, counted from 1 at the bottom, is filled."""
    return min(8, max(0, round(8 * (filled - row + 1))))


def _figure(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _numbers(n: int, cells: int, room: int) -> str:
    """1, and every fourth or eighth number, each at the first cell of its column."""
    every = 4 if 4 * cells >= 6 else 8
    line = ""
    for number in (1, *range(every, n + 1, every)):
        at = (number - 1) * cells
        if at >= len(line) + bool(line) and at + len(str(number)) <= room:
            line = f"{line:<{at}}{number}"
    return line
