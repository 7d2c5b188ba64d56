"""What the program has to say, in lines above the box: never over it, and without the bar and ground of a message."""

from textual.content import Content
from textual.widgets import Static

_STYLES = {"information": "$text-muted italic", "warning": "$text-warning", "error": "$text-error"}


class Notices(Static):
    """Each goes after its time. Hidden while there is none."""

    DEFAULT_CSS = """
    Notices { display: none; width: 100%; height: auto; max-height: 40vh; padding: 0 2; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._lines: list[Content] = []

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

    def clear(self) -> None:
        """All are read."""
        self._lines = []
        self._draw()

    def _draw(self) -> None:
        self.display = bool(self._lines)
        self.update(Content("\n").join(self._lines))
