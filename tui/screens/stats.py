"""What guessing ahead brought in this conversation: passes saved, and how often each source was right."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from spectra_local.printable import printable_line
from spectra_local.protocol import Timings

_BAR_CELLS = 12


class StatsScreen(ModalScreen[None]):
    """Over the chat; any of its keys closes it."""

    DEFAULT_CSS = """
    StatsScreen {
        align: center middle;
        background: $background 60%;
        & > VerticalScroll {
            width: 68; max-width: 100%; height: auto; max-height: 100%;
            padding: 1 3; background: $surface; border: round $panel; scrollbar-size-vertical: 1;
            border-title-color: $text-primary; border-subtitle-color: $text-muted;
        }
        &.-narrow > VerticalScroll { padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", id="stats.close", show=False, priority=True)
    ]

    def __init__(self, answers: Sequence[Timings]) -> None:
        super().__init__()
        self._answers = answers

    def compose(self) -> ComposeResult:
        """One page."""
        with VerticalScroll() as panel:
            panel.border_title = "Guessing ahead in this conversation"
            panel.border_subtitle = "esc closes"
            yield Static(summary(self._answers), markup=False)


def summary(answers: Sequence[Timings]) -> Content:
    """Totals, then a bar for each source: the share of its guesses that came true."""
    n, milliseconds = sum(t.predicted_n for t in answers), sum(t.predicted_ms for t in answers)
    if not n or not milliseconds:
        return Content("Nothing has been answered yet.")
    plain_ms = sum(t.predicted_ms * t.speedup_estimate for t in answers)
    rows = [
        Content(f"{n:,} tokens in {sum(t.steps for t in answers):,} passes of the model"),
        Content(f"{1000 * n / milliseconds:.0f} tok/s, about {plain_ms / milliseconds:.1f} times plain decoding"),
        Content(""),
        Content("Guesses that came true, by source"),
    ]
    accepted: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for timings in answers:
        accepted.update(timings.accepted_by_source)
        rejected.update(timings.rejected_by_source)
    for source in sorted(accepted | rejected, key=lambda name: -accepted[name]):
        tried = accepted[source] + rejected[source]
        filled = round(_BAR_CELLS * accepted[source] / tried) if tried else 0
        rows.append(
            Content.assemble(
                f"{printable_line(source)[:10]:<11}",
                ("━" * filled, "$primary"),
                ("━" * (_BAR_CELLS - filled), "$foreground 20%"),
                f"  {accepted[source]:,} of {tried:,}",
            )
        )
    return Content("\n").join(rows)
