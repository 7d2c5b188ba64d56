"""Tables: columns as wide as their cells, narrower where the screen is; cells then wrap."""

from collections.abc import Sequence

from textual.content import Content

from tui.widgets.markdown.blocks import Align, Table
from tui.widgets.markdown.line import Line, wrapped

_GAP = Content("   ")
_NARROWEST_COLUMN = 8  # what every column keeps, even if the table is then cut at the edge
_HEADING_STYLE = "bold $text-primary"
_RULE_STYLE = "$foreground 20%"


def table_lines(table: Table, width: int) -> list[Line]:
    """Headings, a rule, rows; no other lines."""
    columns = len(table.aligns)
    rows = [[*cells, *[Content()] * (columns - len(cells))][:columns] for cells in table.rows]
    widths = _widths(rows, width - _GAP.cell_length * (columns - 1))
    lines = []
    for index, cells in enumerate(rows):
        styled = cells if index else [cell.stylize_before(_HEADING_STYLE) for cell in cells]
        lines += _row_lines(styled, widths, table.aligns)
        if not index:
            rule = _GAP.join(Content.styled("─" * column, _RULE_STYLE) for column in widths)
            lines.append(Line(rule, Content()))
    return lines


def _row_lines(cells: Sequence[Content], widths: Sequence[int], aligns: Sequence[Align]) -> list[Line]:
    columns = [[line.content for line in wrapped(cell, width)] for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for number in range(max(map(len, columns))):
        pieces = [
            _aligned(column[number] if number < len(column) else Content(), width, align)
            for column, width, align in zip(columns, widths, aligns, strict=True)
        ]
        lines.append(Line(Content(), _GAP.join(pieces)))
    return lines


def _aligned(cell: Content, width: int, align: Align) -> Content:
    space = max(0, width - cell.cell_length)
    left = {"left": 0, "center": space // 2, "right": space}[align]
    return cell.pad_left(left).pad_right(space - left)


def _widths(rows: Sequence[Sequence[Content]], room: int) -> list[int]:
    """Columns that are narrow anyway keep their width; the wide ones share what is left."""
    natural = [max(_cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    widths, left = list(natural), room
    order = sorted(range(len(natural)), key=natural.__getitem__)
    for position, column in enumerate(order):
        share = max(left // (len(order) - position), _NARROWEST_COLUMN)
        widths[column] = max(1, min(natural[column], share))
        left -= widths[column]
    return widths


def _cells(cell: Content) -> int:
    return max((row.cell_length for row in cell.split(allow_blank=True)), default=0)
