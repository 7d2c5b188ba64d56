"""From blocks to lines of a width: wrapping, bullets, quotes, rules. Tables and code have their own files.

Pure: a line is content and where that stands in the text, so that a selection finds the words behind the wrapping.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.content import Content

from tui.widgets.markdown.blocks import Block, Code, Heading, List, Paragraph, Quote, Rule, Table
from tui.widgets.markdown.code import code_lines
from tui.widgets.markdown.line import NARROWEST, Line, blank, wrapped
from tui.widgets.markdown.table import table_lines

_BULLETS = ("• ", "◦ ", "▪ ")  # by depth
_BOXES = ("☐ ", "☑ ")
_BULLET_STYLE = "$primary"
_QUOTE_BAR = Content.styled("▎ ", "$foreground 30%")
_HEADING_STYLES = {1: "bold underline $text-primary", 2: "bold $text-primary"}
_LESSER_HEADING = "bold"


@dataclass(frozen=True, slots=True)
class _Marker:
    first: Content  # before the first line of an item
    rest: Content  # before the others


def block_lines(block: Block, width: int, depth: int = 0) -> list[Line]:
    """The lines of one block. ``depth`` counts the lists around it."""
    match block:
        case Paragraph(text):
            return wrapped(text, width)
        case Heading(text, level):
            return wrapped(text.stylize_before(_HEADING_STYLES.get(level, _LESSER_HEADING)), width)
        case Code():
            return code_lines(block, width)
        case Quote(blocks):
            inside = joined(blocks, width - _QUOTE_BAR.cell_length, depth)
            return _marked(inside, _Marker(_QUOTE_BAR, _QUOTE_BAR), style="$foreground 70%")
        case List():
            return _list_lines(block, width, depth)
        case Table():
            return table_lines(block, width)
        case Rule():
            return [Line(Content.styled("─" * max(width, 1), "$foreground 20%"), Content())]


def joined(blocks: Iterable[Block], width: int, depth: int = 0) -> list[Line]:
    """The lines of several blocks with a blank line between, but for a list that belongs to the text before it."""
    lines: list[Line] = []
    for block in blocks:
        if lines and not belongs_to_previous(block, depth):
            lines.append(blank())
        lines += block_lines(block, max(width, NARROWEST), depth)
    return lines


def belongs_to_previous(block: Block, depth: int) -> bool:
    """Whether no blank line comes before the block."""
    return isinstance(block, List) and (block.continues or depth > 0)


def _list_lines(block: List, width: int, depth: int) -> list[Line]:
    lines: list[Line] = []
    for index, item in enumerate(block.items):
        marker = _BULLETS[min(depth, len(_BULLETS) - 1)] if block.first is None else f"{block.first + index}. "
        if item.checked is not None:
            marker = _BOXES[item.checked] if block.first is None else marker + _BOXES[item.checked]
        first = Content.styled(marker, _BULLET_STYLE)
        inside = joined(item.blocks, width - first.cell_length, depth + 1) or [blank()]
        lines += _marked(inside, _Marker(first, Content(" " * first.cell_length)))
    return lines


def _marked(lines: list[Line], marker: _Marker, style: str = "") -> list[Line]:
    for index, line in enumerate(lines):
        line.prefix = (marker.rest if index else marker.first) + line.prefix
        if style:
            line.content = line.content.stylize_before(style)
    return lines
