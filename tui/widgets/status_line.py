"""One line at the bottom: the model and what it does on the left, context and speed on the right."""

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from tui.status import Status


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
        """Left and right, with the space between; what does not fit goes: the gain, then the bar, then the name. While
        the model works the name goes first: what it does is then of more interest."""
        width, status = self.size.width, self._status
        left = Content.assemble((f"{status.mark} ", status.style), status.doing)
        named = Content.assemble(left, " · " if status.doing and status.name else "", (status.name, "$foreground"))
        speed_alone = status.speed.partition(" · ")[0]
        rights = [self._right(status.speed), self._right(speed_alone), self._compact()]
        lefts = [named, left, Content.styled(status.mark, status.style)]
        pairs = [(a, b) for b in rights for a in lefts[:2]] if status.doing else []
        pairs += [(a, b) for a in lefts for b in rights]
        left, right = next(
            ((a, b) for a, b in pairs if a.cell_length + b.cell_length + 2 <= width), (lefts[-1], rights[-1])
        )
        gap = max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)

    def _right(self, speed: str) -> Content:
        status = self._status
        if not status.n_ctx:
            return Content(speed)
        filled, empty = status.meter
        bar = Content.assemble(("━" * filled, "$primary"), ("─" * empty, "$foreground 20%"))
        return Content.assemble((speed, "$foreground"), "   " if speed else "", bar, f"  {status.context}")

    def _compact(self) -> Content:
        speed = self._status.short_speed
        if not self._status.n_ctx:
            return Content(speed)
        return Content.assemble((speed, "$foreground"), "  " if speed else "", self._status.short_context)
