"""The Markdown of one answer: text is appended as it comes, and shown at the pace the screen can keep.

Knows nothing of engines. All text must have gone through ``printable`` before it comes here.
"""

import asyncio
from functools import cache

from markdown_it import MarkdownIt
from textual.widgets import Markdown

from tui.widgets.markdown.blocks import (
    BulletList,
    Heading1,
    Heading2,
    Heading3,
    Heading4,
    Heading5,
    Heading6,
    OrderedList,
    Quote,
)
from tui.widgets.markdown.fence import CodeFence
from tui.widgets.markdown.holdback import ready_length


@cache
def parser() -> MarkdownIt:
    """GitHub's Markdown without HTML: tags of a model are text to be read, where Textual would drop them."""
    return MarkdownIt("gfm-like", {"html": False})


class MarkdownBody(Markdown):
    """Markdown that is appended to. ``write`` never waits; ``finish`` returns when all is on the screen."""

    DEFAULT_CSS = """
    MarkdownBody {
        padding: 0;
        & > MarkdownParagraph { margin: 0 0 1 0; }
        & > MarkdownBlock:last-child { margin-bottom: 0; }
        MarkdownHeader { margin: 0 0 1 0; content-align: left middle; color: $text-primary; text-style: bold; }
        MarkdownH1 { text-style: bold underline; }
        MarkdownBlockQuote {
            margin: 0 0 1 0; padding: 0 0 0 1; background: transparent; border-left: outer $foreground 25%;
            color: $text-muted;
            &:light { border-left: outer $foreground 25%; }
        }
        MarkdownHorizontalRule { margin: 0 0 1 0; border-bottom: solid $panel; }
        MarkdownBullet { color: $primary; }
        MarkdownBulletList, MarkdownOrderedList { margin: 0 0 1 0; }
        MarkdownList MarkdownList { margin: 0; }
        MarkdownBlock {
            &:dark > .code_inline { background: $surface; color: $text-secondary; }
            &:light > .code_inline { background: $surface; color: $text-secondary; }
        }
        MarkdownTable { margin: 0 0 1 0; }
    }
    """

    BLOCKS = {  # noqa: RUF012 - Textual declares it so
        **Markdown.BLOCKS,
        "h1": Heading1,
        "h2": Heading2,
        "h3": Heading3,
        "h4": Heading4,
        "h5": Heading5,
        "h6": Heading6,
        "blockquote_open": Quote,
        "bullet_list_open": BulletList,
        "ordered_list_open": OrderedList,
        "fence": CodeFence,
        "code_block": CodeFence,
    }

    def __init__(self) -> None:
        super().__init__(parser_factory=parser, open_links=False)
        self._waiting = ""
        self._wake = asyncio.Event()
        self._finished = False
        self._writer: asyncio.Task[None] | None = None

    def write(self, text: str) -> None:
        """Adds text to the end, soon. Text that comes faster than it can be shown is gathered."""
        self._waiting += text
        self._wake.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_on())

    async def finish(self) -> None:
        """Shows what was held back; nothing may be written afterwards."""
        self._finished = True
        self._wake.set()
        if self._writer is not None:
            await self._writer

    async def _write_on(self) -> None:
        """Not ``Markdown.get_stream``: its stop() lets two appends overlap, and the later one repeats blocks."""
        while self.is_attached and not (self._finished and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            length = len(self._waiting) if self._finished else ready_length(self._tail_line() + self._waiting)
            length -= 0 if self._finished else len(self._tail_line())
            if length > 0:
                ready, self._waiting = self._waiting[:length], self._waiting[length:]
                await self.append(ready)

    def _tail_line(self) -> str:
        """What is shown of the last line: whether a marker opens a line depends on it."""
        return self.source[self.source.rfind("\n") + 1 :]
