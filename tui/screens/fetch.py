"""A model to talk to: which there are, how large, under which licence; then a bar, cancel and retry."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.offers import RATE_WORDS, Choice
from spectra_local.printable import printable_line
from tui.fetch import Fetch, FetchState
from tui.screens.panel import PanelScreen
from tui.widgets.model_choices import ModelChoices

UPDATES_PER_SECOND = 8


class FetchScreen(PanelScreen[Choice | None]):
    """Ends with the model that was chosen and is on the disk now. Nothing is fetched before the user says so."""

    DEFAULT_CSS = """
    FetchScreen {
        & > #panel { width: 80; }
        ModelChoices { max-height: 12; margin: 0 0 1 0; }
        #words { width: 100%; height: auto; margin: 0 0 1 0; color: $text-muted; }
        #words.-error { color: $text-error; }
        Horizontal { height: auto; align-horizontal: right; }
        &.-short ModelChoices { max-height: 4; margin: 0; }
        &.-short #words { margin: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="fetch.cancel", show=False)]

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._choices = choices
        self._fetch: Fetch | None = None
        self._said_of: Choice | None = None  # the model of which something else is said than its facts

    def compose(self) -> ComposeResult:
        """Which, then how far."""
        with VerticalScroll(id="panel", can_focus=False):
            yield ModelChoices(self._choices)
            yield Static("", id="words", markup=False)
            with Horizontal():
                yield Button("Fetch it", id="go", compact=True, variant="primary")
                yield Button("Not now", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Enter takes the marked one."""
        self._draw()
        self.set_focus(self.query_one(ModelChoices), scroll_visible=False)
        self.set_interval(1 / UPDATES_PER_SECOND, self._update)

    def on_unmount(self) -> None:
        """A download does not outlive its screen."""
        if self._fetch is not None:
            self._fetch.cancel()

    def on_resize(self) -> None:
        """A narrow screen has room for fewer words."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.query(ModelChoices):  # closed meanwhile
            return
        narrow = self.has_class("-narrow")
        title = "A model" if narrow else "A model to talk to"
        self.query_one("#panel").border_title = f"{title} (times at {RATE_WORDS})"
        self.query_one(ModelChoices).draw(narrow=narrow)
        self._say_what()

    @on(OptionList.OptionHighlighted)
    def _marked(self) -> None:
        # The list tells late of its marks: what is said of this model, an error perhaps, must not give way to facts.
        if self._fetch is None and self.query_one(ModelChoices).chosen is not self._said_of:
            self._said_of = None
            self._say_what()

    @on(OptionList.OptionSelected)
    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        choices = self.query_one(ModelChoices)
        chosen = choices.chosen
        if self._fetch is not None:
            return
        if chosen.entry is None:
            self.dismiss(chosen)
            return
        self._fetch = Fetch(chosen.entry)
        choices.show_alone(chosen, narrow=self.has_class("-narrow"))
        choices.disabled = True
        self.query_one("#panel").border_subtitle = "esc cancels"
        self.query_one("#go").display = False
        self.query_one("#cancel", Button).label = "Cancel"
        self.query_one("#cancel").focus()
        self._say("Looking for it…")

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Stops the download; without one, closes the screen."""
        if self._fetch is None:
            self.dismiss(None)
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
            return
        self._fetch = None
        if state.error or state.cancelled:
            self._offer_again(state)
        else:
            self.dismiss(self.query_one(ModelChoices).chosen)

    def _offer_again(self, state: FetchState) -> None:
        choices, button = self.query_one(ModelChoices), self.query_one("#go", Button)
        choices.disabled = False
        choices.show_alone(None, narrow=self.has_class("-narrow"))
        choices.focus()
        button.display = True
        self._say(state.error or "Stopped. What has arrived is kept.", error=bool(state.error))
        button.label = "Try again" if state.error else "Go on"
        self.query_one("#cancel", Button).label = "Not now"
        self.query_one("#panel").border_subtitle = "enter goes on · esc not now"

    def _say(self, words: str | Content, *, error: bool = False) -> None:
        self._said_of = self.query_one(ModelChoices).chosen
        line = self.query_one("#words", Static)
        line.set_class(error, "-error")
        line.update(words)

    def _say_what(self) -> None:
        """Of the marked model where it comes from, and on the button what Enter does."""
        if self._said_of is not None:
            return
        narrow, choice = self.has_class("-narrow"), self.query_one(ModelChoices).chosen
        line = self.query_one("#words", Static)
        line.set_class(False, "-error")
        line.update(printable_line(in_short(choice) if narrow else where_from(choice)))
        self.query_one("#go", Button).label = does(choice)
        self.query_one("#panel").border_subtitle = f"enter {does(choice, short=True)} · esc not now"


def does(choice: Choice, *, short: bool = False) -> str:
    """What taking it means, for a button; ``short``: as a verb."""
    if choice.entry is None:
        return "uses it" if short else "Use it"
    if choice.entry.licence.must_accept:
        return "accepts it" if short else "Accept the licence and fetch it"
    return "fetches it" if short else "Fetch it"


def in_short(choice: Choice) -> str:
    """The one thing to know where there is room for two lines: the terms to accept, else what the model is good for."""
    if choice.entry is not None and choice.entry.licence.must_accept:
        return f"Terms: {choice.entry.licence.url}"
    return choice.words or where_from(choice)


def where_from(choice: Choice) -> str:
    """Where the file is, or will come from; and where the terms are that must be accepted."""
    entry = choice.entry
    if entry is None:
        return f"At {choice.path}. Nothing is fetched."
    source = f"huggingface.co/{entry.repository}" + (", else the package index" if entry.parts else "")
    terms = f" Terms: {entry.licence.url}." if entry.licence.must_accept else ""
    return f"From {source}.{terms} It is fetched once. After that nothing here needs a network."


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
