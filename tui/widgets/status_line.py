"""One line at the bottom: the model and what it does on the left, context and speed on the right."""

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from tui.status import Status

_WIDE = 66  # columns from which the meter is drawn and figures have their words


class StatusLine(Widget):
    """Repainted only where its ``Status`` differs from the one shown."""

    DEFAULT_CSS = """
    StatusLine {
        width: 100%;
        height: 1;
        padding: 0 2;
        color: $text-muted;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._status = Status()

    def show(self, status: Status) -> None:
        """Shows ``status``."""
        if status != self._status:
            self._status = status
            self.refresh()

    def render(self) -> RenderResult:
        """Left and right, with the space between; what does not fit goes, the model's name first."""
        width, status = self.size.width, self._status
        wide = width >= _WIDE
        right = self._right(wide)
        left = Content.assemble((f"{status.mark} ", status.style), status.doing)
        named = Content.assemble(left, " · " if status.doing and status.name else "", (status.name, "$foreground"))
        if named.cell_length + right.cell_length + 2 <= width:
            left = named
        elif left.cell_length + right.cell_length + 2 > width:
            left = Content.styled(status.mark, status.style)
        gap = max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)

    def _right(self, wide: bool) -> Content:
        status = self._status
        speed = status.speed if wide else status.short_speed
        if not status.n_ctx:
            return Content(speed)
        if not wide:
            return Content.assemble((speed, "$foreground"), "  " if speed else "", status.short_context)
        filled, empty = status.meter
        bar = Content.assemble(("━" * filled, "$primary"), ("━" * empty, "$foreground 20%"))
        return Content.assemble((speed, "$foreground"), "   " if speed else "", bar, f"  {status.context}")
