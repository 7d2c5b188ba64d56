"""Emphasis, code, links and line breaks within a block: one markdown-it token to one styled ``Content``."""

from markdown_it.token import Token
from textual.content import Content, Span
from textual.style import Style

from tui.widgets.markdown.math import KEPT_BACK
from tui.widgets.markdown.tint import Tint

_OPENING = {"em_open": "italic", "strong_open": "bold", "s_open": "strike"}
CODE_STYLE = "$text-secondary on $surface"
LINK_STYLE = "underline $text-secondary"


def inline_content(token: Token, tint: Tint | None = None) -> Content:
    """The text of an ``inline`` token, coloured by ``tint``. Links carry an action that shows them; none is opened by
    a click alone."""
    pieces: list[str] = []
    spans: list[Span] = []
    open_styles: list[tuple[int, tuple[Style | str, ...]]] = []
    position = 0
    for child in token.children or ():
        text = ""
        if child.type in ("softbreak", "hardbreak"):
            text = "\n"  # models break lines where they mean it: addresses, verse, lists without markers
        elif child.type == "code_inline":
            text = child.content
            spans.append(Span(position, position + len(text), CODE_STYLE))
        elif child.type == "link_open":
            open_styles.append((position, _link(child.attrGet("href"))))
        elif child.type == "image":
            text = f"[{child.content or 'image'}]"
            spans += [Span(position, position + len(text), style) for style in _link(child.attrGet("src"))]
        elif child.type in _OPENING:
            open_styles.append((position, (_OPENING[child.type],)))
        elif child.nesting < 0:
            start, styles = open_styles.pop()
            spans += [Span(start, position, style) for style in styles]
        elif child.type != KEPT_BACK:
            text = child.content
        pieces.append(text)
        position += len(text)
    text = "".join(pieces)
    return Content(text, spans=spans + tint.spans(text, token.map) if tint else spans)


def _link(address: str | int | float | None) -> tuple[Style | str, ...]:
    return LINK_STYLE, Style.from_meta({"@click": f"show_link({str(address or '')!r})"})
