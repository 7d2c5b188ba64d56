"""An answer: what it waits for, the notices that came with it, its Markdown, and a word on how it ended."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.widgets.markdown.body import MarkdownBody


class Answer(Vertical):
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

    def __init__(self, waiting_for: str = "", *, text: str = "", footnote: str = "") -> None:
        """``text``: an answer of old, complete."""
        super().__init__()
        self._words = waiting_for
        self._waiting = Static(waiting_for, markup=False, classes="remark waiting")
        self._body = MarkdownBody()
        self._footnote = footnote
        if text or footnote:
            self.add_class("-begun")
            self._body.append(text)
            self._body.finish()

    def compose(self) -> ComposeResult:
        """Waiting, then text."""
        yield self._waiting
        yield self._body
        if self._footnote:
            yield Static(self._footnote, markup=False, classes="remark footnote")

    def wait_for(self, words: str) -> None:
        """What the answer waits for, until its first text comes."""
        if words != self._words and not self.has_class("-begun"):  # each update lays the screen out anew
            self._words = words
            self._waiting.update(words)

    def notice(self, words: str) -> None:
        """Something the user should know, above the text."""
        self.mount(Static(words, markup=False, classes="remark notice"), before=self._body)

    def write(self, text: str) -> None:
        """More of the answer."""
        self.add_class("-begun")
        self._body.append(text)

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
        if footnote and self.is_attached:
            await self.mount(Static(footnote, markup=False, classes="remark footnote"))
