"""Code in colours, once it is complete: colouring all of it anew with each frame grows with its length."""

from textual.content import Content

from tui.widgets.markdown.blocks import Code
from tui.widgets.markdown.line import TAB_SIZE, Line, folded

CODE_GROUND = "$foreground on $surface"
_INDENT = Content("  ")
_NUMBER = 4  # columns of a block's number behind its language, and the space between

# Colouring 2,000 rows takes a quarter of a second on a laptop: a frame that long is felt. Longer code stays plain.
_MOST_COLOURED_CHARACTERS = 60_000


def code_lines(code: Code, width: int) -> list[Line]:
    """The lines of a block of code, on a ground of its own."""
    lines = []
    content = _content(code)
    if code.tints:
        content = Content(content.plain, spans=[*content.spans, *code.tints])
    for row in content.split(allow_blank=True):
        for line in folded(row.expand_tabs(TAB_SIZE), width - 2 * _INDENT.cell_length):
            line.prefix, line.fill = _INDENT, CODE_GROUND
            lines.append(line)
    label = language(code)
    if lines[0].content.cell_length + 2 * _INDENT.cell_length + len(label) + _NUMBER > width:
        lines.insert(0, Line(_INDENT, Content(), fill=CODE_GROUND))  # of its own, above code that leaves it no room
    lines[0].begins_code, lines[0].label = True, label
    return lines


def language(code: Code) -> str:
    """The language that the fence names, "" for none."""
    return code.language.split()[0] if code.language else ""


def _content(code: Code) -> Content:
    name = language(code)
    if not name or not code.complete or len(code.text) > _MOST_COLOURED_CHARACTERS:
        return Content(code.text)
    from pygments.token import Generic  # type: ignore[import-untyped]  # which the first frame need not wait for
    from textual.highlight import HighlightTheme, highlight

    diff = {
        Generic.Inserted: "$text-success",
        Generic.Deleted: "$text-error",
        Generic.Heading: "$text-primary",
        Generic.Subheading: "$text-secondary",
    }

    class Calm(HighlightTheme):
        """Textual's colours without its underlines."""

        STYLES = {kind: style.replace(" underline", "") for kind, style in HighlightTheme.STYLES.items()} | diff

    return highlight(code.text, language=name, theme=Calm)
