"""The blocks of Markdown as plain values, and how source becomes them.

Knows nothing of widths, widgets and growing. HTML is off: tags of a model are text to be read.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token
from textual.content import Content, Span

from tui.widgets.markdown import math
from tui.widgets.markdown.inline import inline_content
from tui.widgets.markdown.math import GROWING, math_plugin
from tui.widgets.markdown.task_lists import CHECKED, task_list_plugin
from tui.widgets.markdown.tint import Tint

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: Content
    row: int = 0  # of the source, counted from 0, where the block begins


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    text: Content
    level: int
    row: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """Code as it is. ``complete``: its end has come, so that it may be coloured."""

    text: str
    language: str
    complete: bool
    row: int = 0
    _: KW_ONLY
    tints: tuple[Span, ...] = ()  # over the colours of the language


@dataclass(frozen=True, slots=True)
class Quote:
    """Blocks that somebody else said."""

    blocks: tuple["Block", ...]
    row: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list."""

    blocks: tuple["Block", ...]
    row: int = 0
    checked: bool | None = None  # of a task: whether it is done


@dataclass(frozen=True, slots=True)
class List:
    """Items with bullets, or with numbers from ``first`` on."""

    items: tuple[Item, ...]
    first: int | None  # None: bullets
    row: int = 0
    continues: bool = False  # the items before it are in the block before

    def split_last(self) -> tuple["List", int | None]:
        """All items but the last, and the number of the last."""
        number = None if self.first is None else self.first + len(self.items) - 1
        return replace(self, items=self.items[:-1]), number


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the first of them the headings."""

    rows: tuple[tuple[Content, ...], ...]
    aligns: tuple[Align, ...]
    row: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""

    row: int = 0


Block = Paragraph | Heading | Code | Quote | List | Table | Rule


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("gfm-like", {"html": False}).use(math_plugin).use(task_list_plugin)


def parse(source: str, tint: Tint | None = None, *, growing: bool = False) -> list[Block]:
    """The blocks of ``source``, in order, coloured by ``tint``; ``growing``: without a formula that has yet to end."""
    return list(_blocks(iter(_parser().parse(source, {GROWING: growing})), tint))


def _blocks(tokens: Iterator[Token], tint: Tint | None, end: str = "") -> Iterator[Block]:
    for token in tokens:
        row = token.map[0] if token.map else 0
        match token.type:
            case "paragraph_open":
                yield Paragraph(_text(tokens, tint), row)
            case "heading_open":
                yield Heading(_text(tokens, tint), int(token.tag[1:]), row)
            case "fence" | "code_block":
                yield _code(token, tint, row)
            case "blockquote_open":
                yield Quote(tuple(_blocks(tokens, tint, "blockquote_close")), row)
            case "bullet_list_open":
                yield List(tuple(_items(tokens, tint, "bullet_list_close")), None, row)
            case "ordered_list_open":
                items = tuple(_items(tokens, tint, "ordered_list_close"))
                yield List(items, int(token.attrGet("start") or 1), row)
            case "table_open":
                yield _table(tokens, tint, row)
            case "hr":
                yield Rule(row)
            case math.BLOCK:
                yield Paragraph(_formula(token, tint), row)
            case math.KEPT_BACK:
                yield Paragraph(Content(), row)
            case closing if closing == end:
                return


def _items(tokens: Iterator[Token], tint: Tint | None, end: str) -> Iterator[Item]:
    for token in tokens:
        if token.type == end:
            return
        if token.type == "list_item_open":
            row = token.map[0] if token.map else 0
            yield Item(tuple(_blocks(tokens, tint, "list_item_close")), row, token.meta.get(CHECKED))


def _formula(token: Token, tint: Tint | None) -> Content:
    text = math.shown(token.content, token.markup)
    return Content(text, spans=tint.spans(text, token.map) if tint else None)


def _code(token: Token, tint: Tint | None, row: int) -> Code:
    text = token.content.rstrip("\n")
    rows = token.map or [row, row]
    first = rows[0] + (token.type == "fence")
    tints = tint.spans(text, (first, rows[1])) if tint else ()
    return Code(text, token.info.strip(), is_complete(token), row, tints=tuple(tints))


def _text(tokens: Iterator[Token], tint: Tint | None) -> Content:
    """The inline content of a block, with its closing token taken away."""
    content = inline_content(next(tokens), tint)
    next(tokens)
    return content


@dataclass(slots=True)
class _Rows:
    rows: list[list[Content]] = field(default_factory=list)
    aligns: list[Align] = field(default_factory=list)


def _table(tokens: Iterator[Token], tint: Tint | None, row: int) -> Table:
    table = _Rows()
    for token in tokens:
        if token.type == "tr_open":
            table.rows.append([])
        elif token.type == "th_open":
            table.aligns.append(_align(str(token.attrGet("style") or "")))
        elif token.type == "inline":
            table.rows[-1].append(inline_content(token, tint))
        elif token.type == "table_close":
            break
    return Table(tuple(tuple(cells) for cells in table.rows), tuple(table.aligns), row)


def _align(style: str) -> Align:
    if "center" in style:
        return "center"
    return "right" if "right" in style else "left"


def is_complete(token: Token) -> bool:
    """Whether the end of a fence has come: its rows are then the content, an opening and a closing one."""
    if token.type != "fence":  # indented code has no end of its own, and no language
        return False
    start, end = token.map or (0, 0)
    whole_rows = not token.content or token.content.endswith("\n")
    return whole_rows and end - start == token.content.count("\n") + 2
