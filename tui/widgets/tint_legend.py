"""Which colour is which source, and how much of an answer came from each: under an answer while tinting is on."""

from time import monotonic

from textual.content import Content
from textual.widgets import Static

from tui.tint import Share, counted, shares

_UPDATE_SECONDS = 1.0  # while text comes: shares that change faster cannot be read, and each is a repaint


class TintLegend(Static):
    """Empty, and not there, where nothing of the answer was guessed."""

    DEFAULT_CSS = """
    TintLegend { display: none; width: 100%; height: auto; margin: 1 0 0 0; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._shown: list[tuple[str, int]] = []
        self._at = 0.0

    def show(self, sources: str, length: int, *, now: bool = False) -> None:
        """The shares of a text of ``length`` characters with the codes ``sources``."""
        if not now and monotonic() - self._at < _UPDATE_SECONDS:
            return
        self._at = monotonic()
        found = shares(counted(sources, length))
        rounded = [(each.source, round(100 * each.share)) for each in found]
        self.display = any(name for name, _ in rounded)
        if rounded != self._shown:
            self._shown = rounded
            self.update(legend(found))


def legend(found: list[Share]) -> Content:
    """The sources in their colours, with their shares."""
    pieces = [(f"{each.source or 'its own'} {each.share:.0%}", each.style) for each in found]
    return Content("  ").join(Content.styled(*piece) for piece in pieces)
