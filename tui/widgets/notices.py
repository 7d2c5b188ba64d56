"""What the program has to say, in lines above the box: never over it, and without the bar and ground of a message."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

_STYLES = {"information": "$text-muted italic", "warning": "$text-warning", "error": "$text-error"}


class Notices(VerticalScroll, can_focus=False):
    """Each goes after its time. Hidden while there is none; scrolls where they are many on a small screen."""

    DEFAULT_CSS = """
    Notices {
        display: none; width: 100%; height: auto; max-height: 40vh; padding: 0 2; scrollbar-size-vertical: 1;
        & > Static { width: 100%; height: auto; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Content] = []

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("", markup=False)

    @property
    def text(self) -> str:
        """All that stands there."""
        return "\n".join(line.plain for line in self._lines)

    def tell(self, words: str, severity: str, seconds: float) -> None:
        """One more line, or several; what stands there already is not said twice. ``words`` are printable."""
        line = Content.styled(words, _STYLES.get(severity, ""))
        if line not in self._lines:
            self._lines.append(line)
            self._draw()
            self.set_timer(seconds, lambda: self._end(line))

    def _end(self, line: Content) -> None:
        if line in self._lines:
            self._lines.remove(line)
            self._draw()

    def _draw(self) -> None:
        self.display = bool(self._lines)
        self.query_one(Static).update(Content("\n").join(self._lines))
