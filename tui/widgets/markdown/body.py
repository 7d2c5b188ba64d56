"""The widget that shows a growing Markdown document: one for an answer, however long that is.

Knows nothing of engines. All text must have gone through ``printable`` before it comes here.
"""

from collections.abc import Callable

from rich.segment import Segment
from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from spectra_local.protocol import OWN
from tui.textual_workarounds import GrowsDown
from tui.widgets.markdown.document import Document
from tui.widgets.markdown.line import Line

_LABEL = "$foreground 50%"
# A change of height lays the whole screen out anew, which is more than half of a frame's work. So while the text grows
# and the view has rows to spare, it takes some ahead; below them others stay free for what may come under an answer.
_ROWS_AHEAD = 6
_ROWS_BELOW = 3


class MarkdownBody(GrowsDown):
    """Lines that are drawn when they come into view, and kept until theme or width change."""

    DEFAULT_CSS = """
    MarkdownBody { width: 100%; height: auto; }
    """

    class LinkClicked(Message):
        """A link of the text was clicked; nothing has been opened."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    def __init__(self) -> None:
        super().__init__()
        self._document = Document()
        self._pieces: list[tuple[str, str]] = []  # all that was appended, so that it can be tinted later
        self._finished = False
        self._rows_taken = 0  # while the text grows; none that anything else could use
        self._strips: dict[Line, Strip] = {}
        self._drawn_width = 0

    @property
    def line_count(self) -> int:
        """Lines of the text as it was laid out last."""
        return len(self._document)

    def append(self, text: str, sources: str = "") -> None:
        """Adds text to the end. Lines that do not change are not drawn again. ``sources``: see ``Document``."""
        self._pieces.append((text, sources))
        self._change(lambda: self._document.append(text, sources))

    def finish(self) -> None:
        """Shows what was held back in case more came."""
        self._finished = True
        self._change(self._document.finish)

    def tint(self, tinted: bool) -> None:
        """Colours the text by where it came from, or no longer; also what is still to come."""
        self._rows_taken = 0
        document = self._document = Document(tinted=tinted)
        document.append("".join(text for text, _ in self._pieces), _joined(self._pieces))
        if self._finished:
            document.finish()
        self._strips.clear()
        self.refresh(layout=True)

    def _change(self, change: Callable[[], None]) -> None:
        document, width = self._document, self.size.width
        height, first = len(document), document.n_settled
        open_lines = [document[index] for index in range(first, height)]
        change()
        if not width:  # not on the screen yet
            self.refresh(layout=True)
            return
        document.lay_out(width)
        for line in open_lines[max(document.n_kept - first, 0) :]:
            self._strips.pop(line, None)
        most = max(height, len(document))
        if document.n_kept < most:
            changed = Region(0, document.n_kept, width, most - document.n_kept)
            self.refresh(changed, layout=self._change_height())
        elif self._change_height():
            self.refresh(layout=True)

    def _change_height(self) -> bool:
        """Whether the screen is to be laid out anew."""
        height, rows = self.size.height, len(self._document)
        if self._finished:
            self._rows_taken = 0
        elif rows > height:
            self._rows_taken = rows + self._rows_free(rows - height)
        return max(rows, self._rows_taken) != height

    def _rows_free(self, needed: int) -> int:
        """How many more may be taken than are needed now, without moving anything."""
        view = next((each for each in self.ancestors if isinstance(each, VerticalScroll)), None)
        if view is None or view.max_scroll_y > 0:
            return 0
        return max(0, min(_ROWS_AHEAD, view.region.bottom - self.region.bottom - needed - _ROWS_BELOW))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The number of lines at that width, and what was taken ahead of them."""
        self._document.lay_out(width)
        return max(len(self._document), self._rows_taken)

    def notify_style_update(self) -> None:
        """The theme changed."""
        self._strips.clear()
        super().notify_style_update()

    def on_resize(self, event: events.Resize) -> None:
        """Lines are made anew for another width, and drawn; a text that grows keeps those it has."""
        if event.size.width != self._drawn_width:
            self._drawn_width = event.size.width
            self._rows_taken = 0
            self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line as wide as the widget."""
        if y >= len(self._document):
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        line = self._document[y]
        selection = self.text_selection
        if selection is not None:
            return self._draw(line, self._selected(line, y, selection), y)
        if (strip := self._strips.get(line)) is None:
            strip = self._strips[line] = self._draw(line, line.content, y)
        return strip

    def _draw(self, line: Line, content: Content, y: int) -> Strip:
        style = self.visual_style
        if line.fill:
            style += self._get_style(line.fill)
        segments = self._segments(line.prefix, style)
        x, number = line.x, self._document.number(y)
        for text, text_style in content.render(style, end="", parse_style=self._get_style):
            segments.append(Segment(text, (style + text_style).rich_style_with_offset(x, number)))
            x += len(text)
        strip = Strip(segments)
        label = Content.styled(f"{line.label} {line.number}  ".lstrip(), _LABEL) if line.number else Content()
        if label and strip.cell_length + label.cell_length < self.size.width:
            strip = strip.adjust_cell_length(self.size.width - label.cell_length, style.rich_style)
            strip = Strip([*strip, *self._segments(label, style)])
        return strip.adjust_cell_length(self.size.width, style.rich_style)

    def _segments(self, content: Content, style: Style) -> list[Segment]:
        pieces = content.render(style, end="", parse_style=self._get_style)
        return [Segment(text, (style + text_style).rich_style) for text, text_style in pieces]

    # Selection: in unwrapped lines, so that what is copied has no line breaks but its own

    def _selected(self, line: Line, y: int, selection: Selection) -> Content:
        span = selection.get_span(self._document.number(y))
        if span is None:
            return line.content
        start, end = span
        length = len(line.content)
        start = min(max(start - line.x, 0), length)
        end = length if end == -1 else min(max(end - line.x, 0), length)
        return line.content.stylize(self.screen.get_visual_style("screen--selection"), start, end)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, and what parts it from the next widget's."""
        chosen = []
        for number, row in enumerate(self._document.rows()):
            if (span := selection.get_span(number)) is not None:
                start, end = span
                chosen.append(row[start:] if end == -1 else row[start:end])
        return "\n".join(chosen), "\n"

    # Links

    def action_show_link(self, address: str) -> None:
        """Tells which link was clicked; whoever listens shows where it leads before anything opens."""
        self.post_message(self.LinkClicked(address))


def _joined(pieces: list[tuple[str, str]]) -> str:
    return "".join(sources.ljust(len(text), OWN) for text, sources in pieces)
