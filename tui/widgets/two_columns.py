"""Names and what is to be said of them: words that do not fit go on below themselves, not below the names."""

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_GAP = 2  # cells between the columns


class TwoColumns(Widget):
    """As tall as its rows are in the width there is."""

    DEFAULT_CSS = """
    TwoColumns { width: 100%; height: auto; }
    """

    def __init__(
        self, rows: Sequence[tuple[str, str]], *, name_style: str = "$text-primary", id: str | None = None
    ) -> None:
        """``rows``: names and words, both fit to be shown. ``name_style``: of the names."""
        super().__init__(id=id)
        self._rows, self._name_style = rows, name_style

    def _drawn(self, width: int) -> list[Content]:
        names = min(max(len(name) for name, _ in self._rows) + _GAP, max(1, width // 2))
        lines = []
        for name, words in self._rows:
            first, *more = Content(words).wrap(max(1, width - names)) or [Content("")]
            if len(name) + _GAP > names:  # a long name has a line of its own
                lines.append(Content.styled(name, self._name_style))
                name = ""
            lines.append(Content.assemble((f"{name:<{names}}", self._name_style), first))
            lines += [Content.assemble(" " * names, line) for line in more]
        return lines

    def render(self) -> RenderResult:
        """Row by row."""
        return Content("\n").join(self._drawn(self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All rows."""
        return len(self._drawn(width))
