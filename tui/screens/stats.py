"""What guessing ahead brings: in this conversation, since the history began, and on this machine. Charts, no widget
that computes."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from spectra_local.errors import StoreError
from spectra_local.printable import printable
from spectra_local.protocol import ModelInfo, Timings
from tui import figures
from tui.screens.panel import PanelScreen
from tui.widgets.figure import Figure

if TYPE_CHECKING:
    from spectra_local.history.statistics import Statistics


class StatsScreen(PanelScreen[None]):
    """Over the chat; any of its keys closes it. One column, or two where the screen is broad."""

    DEFAULT_CSS = """
    StatsScreen {
        & > #panel { width: 76; padding: 1 3 0 3; }
        Vertical { height: auto; }
        #columns { layout: vertical; }
        &.-broad > #panel { width: 140; }
        &.-broad #columns { layout: horizontal; }
        &.-broad #columns > Vertical { width: 1fr; padding: 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", id="stats.close", show=False, priority=True)
    ]

    def __init__(self, answers: Sequence[Timings], model: ModelInfo | None, read: "Callable[[], Statistics]") -> None:
        """``read`` is called in a thread: it may take its time, and may raise StoreError."""
        super().__init__()
        self._read = read
        waiting = Content.styled("Reading the history …", "$text-muted")
        cost, device = (model.decode_cost, model.device) if model else ((), "")
        tried = figures.tried_in(answers)
        self._now = [
            Figure("This conversation", lambda _: figures.this_conversation(answers)),
            Figure("Its guesses, by source", lambda width: figures.by_source(tried, width)),
            Figure("What a pass of the model costs", lambda width: figures.staircase(cost, device, width)),
        ]
        self._totals = Figure("Since the history began", lambda _: waiting)
        self._sources = Figure("All guesses, by source", lambda _: Content(""))
        self._saved = Figure("Time saved, by week", lambda _: Content(""))
        self._growth = Figure("Growth of the history", lambda _: Content(""))
        self._past = [self._sources, self._saved, self._growth]

    def compose(self) -> ComposeResult:
        """What is known at once first, so that nothing moves when the history has been read."""
        with VerticalScroll(id="panel") as panel:
            panel.border_title = "Guessing ahead"
            panel.border_subtitle = "esc closes"
            with Vertical(id="columns"):
                with Vertical():
                    yield from self._now
                with Vertical():
                    yield self._totals
                    yield from self._past

    def on_mount(self) -> None:
        """The history is read beside."""
        for figure in self._past:
            figure.display = False
        self._load()

    @work(thread=True, exclusive=True)
    def _load(self) -> None:
        try:
            found = self._read()
        except StoreError as error:
            words = Content(printable(str(error)))
            self.app.call_from_thread(self._totals.show, lambda _: words)
        else:
            self.app.call_from_thread(self._show, found)

    def _show(self, found: "Statistics") -> None:
        self._totals.show(lambda _: figures.totals(found))
        self._sources.show(partial(figures.by_source, found.tried_by_source))
        self._saved.show(partial(figures.time_saved, found))
        self._growth.show(partial(figures.growth, found))
        for figure in self._past:
            figure.display = True
