"""Which colour is which source, and how much of an answer came from each: under an answer while tinting is on."""

from time import monotonic

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.tint import Share, counted, shares

_UPDATE_SECONDS = 1.0  # while text comes: shares that change faster cannot be read, and each is a repaint
_GAP = "  "


class TintLegend(Widget):
    """Empty, and not there, where nothing of the answer was guessed."""

    DEFAULT_CSS = """
    TintLegend { display: none; width: 100%; height: auto; margin: 1 0 0 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Content] = []
        self._at = 0.0

    def show(self, sources: str, length: int, *, now: bool = False) -> None:
        """The shares of a text of ``length`` characters with the codes ``sources``."""
        if not now and monotonic() - self._at < _UPDATE_SECONDS:
            return
        self._at = monotonic()
        found = shares(counted(sources, length))
        self.display = any(each.source for each in found)
        items = [_item(each) for each in found]
        if [item.plain for item in items] != [item.plain for item in self._items]:
            self._items = items
            self.refresh(layout=True)

    def render(self) -> RenderResult:
        """As many sources in a line as fit, none of them broken."""
        return Content("\n").join(packed(self._items, self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All lines."""
        return len(packed(self._items, width))


def packed(items: list[Content], width: int) -> list[Content]:
    """Lines of whole items."""
    lines: list[Content] = []
    for item in items:
        if lines and lines[-1].cell_length + len(_GAP) + item.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], _GAP, item)
        else:
            lines.append(item)
    return lines


def _item(each: Share) -> Content:
    return Content.styled(f"{each.source or 'its own'} {each.share:.0%}", each.style)
