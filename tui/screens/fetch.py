"""First run: which model will be fetched, from where, how large, under which licence; then a bar, cancel and retry."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.entries import Entry
from spectra_local.printable import printable_line
from tui.fetch import Fetch, FetchState
from tui.screens.panel import PanelScreen
from tui.widgets.two_columns import TwoColumns

UPDATES_PER_SECOND = 8


class FetchScreen(PanelScreen[bool]):
    """Ends with True where the model is on the disk now. Nothing is fetched before the user says so."""

    DEFAULT_CSS = """
    FetchScreen {
        & > #panel { padding: 1 3; }
        Static, TwoColumns { width: 100%; height: auto; margin: 0 0 1 0; }
        #words { color: $text-muted; }
        #words.-error { color: $text-error; }
        Horizontal { height: auto; align-horizontal: right; }
        &.-short Static, &.-short TwoColumns { margin: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="fetch.cancel", show=False)]

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self._entry = entry
        self._fetch: Fetch | None = None

    def compose(self) -> ComposeResult:
        """What, then how far."""
        accept = "Accept the licence and fetch it" if self._entry.licence.must_accept else "Fetch it"
        with VerticalScroll(id="panel", can_focus=False) as panel:
            panel.border_title = "A model to talk to"
            panel.border_subtitle = "enter fetches · esc not now"
            yield TwoColumns(_facts(self._entry), name_style="$foreground 60%")
            yield Static("It is fetched once. After that nothing here needs a network.", id="words", markup=False)
            with Horizontal():
                yield Button(accept, id="go", compact=True, variant="primary")
                yield Button("Not now", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Enter fetches."""
        self.query_one("#go").focus(scroll_visible=False)  # on a small screen the facts are seen first
        self.set_interval(1 / UPDATES_PER_SECOND, self._update)

    def on_unmount(self) -> None:
        """A download does not outlive its screen."""
        if self._fetch is not None:
            self._fetch.cancel()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self._fetch = Fetch(self._entry)
        self.query_one("#panel").border_subtitle = "esc cancels"
        self.query_one("#go").display = False
        self.query_one("#cancel", Button).label = "Cancel"
        self.query_one("#cancel").focus()
        self._say("Looking for it…")

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Stops the download; without one, closes the screen."""
        if self._fetch is None:
            self.dismiss(False)
        else:
            self._fetch.cancel()
            self._say("Stopping…")

    def _update(self) -> None:
        if self._fetch is None:
            return
        state = self._fetch.state
        if not state.ended:
            if state.done:
                self._say(progress(state))
        elif state.error or state.cancelled:
            self._fetch = None
            self._offer_again(state)
        else:
            self._fetch = None
            self.dismiss(True)

    def _offer_again(self, state: FetchState) -> None:
        self.query_one("#panel").border_subtitle = "enter goes on · esc not now"
        button = self.query_one("#go", Button)
        button.label = "Try again" if state.error else "Go on"
        button.display = True
        button.focus()
        self.query_one("#cancel", Button).label = "Not now"
        self._say(state.error or "Stopped. What has arrived is kept.", error=bool(state.error))

    def _say(self, words: str | Content, *, error: bool = False) -> None:
        line = self.query_one("#words", Static)
        line.set_class(error, "-error")
        line.update(words)


def progress(state: FetchState, cells: int = 20) -> Content:
    """A bar, bytes, and once they are known rate and time left."""
    share = min(1.0, state.done / state.total) if state.total else 0.0
    filled = round(share * cells)
    parts = [f" {share:.0%}  {byte_size(state.done)} of {byte_size(state.total)}"]
    if state.rate > 0:
        left = round((state.total - state.done) / state.rate)
        parts.append(f"  {byte_size(state.rate)}/s  {left // 60}:{left % 60:02} left")
    notice = f"{state.notice}\n" if state.notice else ""
    bar = Content.assemble(("━" * filled, "$primary"), ("─" * (cells - filled), "$foreground 20%"))
    return Content.assemble(notice, bar, *parts)


def _facts(entry: Entry) -> list[tuple[str, str]]:
    about = "" if entry.exact_size else "about "
    size = f"{about}{byte_size(entry.n_bytes)}" if entry.n_bytes else "not known yet"
    source = f"huggingface.co/{entry.repository}" + (", else the package index" if entry.wheel else "")
    facts = {
        "Model": entry.name,
        "Size": size,
        "Licence": entry.licence.name,
        "From": source,
    }
    if entry.licence.must_accept:
        facts["Terms"] = entry.licence.url
    return [(name, printable_line(fact)) for name, fact in facts.items()]
