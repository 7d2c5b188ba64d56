"""One part of a page of figures: a title, and a chart drawn for the width there is."""

from collections.abc import Callable

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

Draw = Callable[[int], Content]  # from a width in cells


class Figure(Widget):
    """As tall as its chart."""

    DEFAULT_CSS = """
    Figure { width: 100%; height: auto; margin: 0 0 1 0; }
    """

    def __init__(self, title: str, draw: Draw) -> None:
        super().__init__()
        self._title = title
        self._draw = draw

    def show(self, draw: Draw) -> None:
        """Another chart in its place."""
        self._draw = draw
        self.refresh(layout=True)

    def _drawn(self, width: int) -> Content:
        return Content.assemble((self._title, "bold $text-primary"), "\n", self._draw(max(1, width)))

    def render(self) -> RenderResult:
        """The title, then the chart."""
        return self._drawn(self.content_size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All of it, words wrapped."""
        return sum(len(line.wrap(max(1, width))) or 1 for line in self._drawn(width).split(allow_blank=True))
