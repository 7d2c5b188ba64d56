"""An answer: what it waits for, the notices that came with it, its Markdown, and a word on how it ended."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from tui.textual_workarounds import GrowsDown
from tui.widgets.markdown.body import MarkdownBody
from tui.widgets.tint_legend import TintLegend
from tui.widgets.transcript import Transcript


class Answer(Vertical, GrowsDown):
    """Text given to it must be printable already."""

    DEFAULT_CSS = """
    Answer {
        width: 100%;
        height: auto;
        margin: 0 0 1 0;
        padding: 0 2;
        & > .remark { color: $text-muted; text-style: italic; height: auto; width: 100%; }
        & > .notice { margin: 0 0 1 0; }
        & > .footnote { margin: 1 0 0 0; }
        & > MarkdownBody { display: none; }
        &.-begun > MarkdownBody { display: block; }
        &.-begun > .waiting { display: none; }
    }
    """

    def __init__(self, waiting_for: str = "", *, text: str = "", sources: str = "", footnote: str = "") -> None:
        """``text``: an answer of old, complete. ``sources``: what its characters came from, "" if unknown."""
        super().__init__()
        self._words = waiting_for
        self._waiting = Static(waiting_for, markup=False, classes="remark waiting")
        self._body = MarkdownBody()
        self._footnote = footnote
        self._legend = TintLegend()
        self._tinted = False
        self._sources, self._length = sources, len(text)
        if text or footnote:
            self.add_class("-begun")
            self._body.append(text, sources)
            self._body.finish()

    def compose(self) -> ComposeResult:
        """Waiting, then text, then what it came from."""
        yield self._waiting
        yield self._body
        yield self._legend
        if self._footnote:
            yield Static(self._footnote, markup=False, classes="remark footnote")

    def on_mount(self) -> None:
        """In the colours of the conversation that it is part of."""
        if isinstance(self.parent, Widget) and isinstance(transcript := self.parent.parent, Transcript):
            self.tint(transcript.tinted)

    def tint(self, tinted: bool) -> None:
        """Colours the text by where it came from, or no longer."""
        if tinted != self._tinted:
            self._tinted = tinted
            self._body.tint(tinted)
            self._show_legend(now=True)

    def _show_legend(self, *, now: bool) -> None:
        if self._tinted:
            self._legend.show(self._sources, self._length, now=now)
        else:
            self._legend.display = False

    def wait_for(self, words: str) -> None:
        """What the answer waits for, until its first text comes."""
        if words != self._words and not self.has_class("-begun"):  # each update lays the screen out anew
            self._words = words
            self._waiting.update(words)

    def notice(self, words: str) -> None:
        """Something the user should know, above the text."""
        self.mount(Static(words, markup=False, classes="remark notice"), before=self._body)

    def write(self, text: str, sources: str = "") -> None:
        """More of the answer. ``sources``: the protocol's code for each character, "" for the model's own."""
        self.add_class("-begun")
        self._body.append(text, sources)
        self._sources += sources
        self._length += len(text)
        if self._tinted:
            self._show_legend(now=False)

    @on(MarkdownBody.LinkClicked)
    def _show_link(self, event: MarkdownBody.LinkClicked) -> None:
        """Where it leads is shown first; nothing of a model's text opens by being clicked."""
        from tui.screens.link import LinkScreen

        event.stop()
        self.app.push_screen(LinkScreen(event.address))

    async def reopen(self) -> None:
        """More is to come after all."""
        await self.query(".footnote").remove()

    async def finish(self, footnote: str) -> None:
        """The end; ``footnote`` is empty where there is nothing to say."""
        self.add_class("-begun")
        self._body.finish()
        self._show_legend(now=True)
        if footnote and self.is_attached:
            await self.mount(Static(footnote, markup=False, classes="remark footnote"))
