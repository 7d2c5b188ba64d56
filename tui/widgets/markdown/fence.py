"""A block of code. Colours come when the fence closes: colouring all of it with each frame grows with its length."""

from markdown_it.token import Token
from textual.content import Content
from textual.highlight import ANSIDarkHighlightTheme, ANSILightHighlightTheme, HighlightTheme, highlight
from textual.widgets import Markdown
from textual.widgets._markdown import MarkdownBlock, MarkdownFence

# Colouring 2,000 lines takes a quarter of a second on a laptop: a frame that long is felt. Longer code stays plain.
_MOST_COLOURED_CHARACTERS = 60_000


def is_closed(token: Token) -> bool:
    """Whether the end of the fence has come: its lines are then the content, an opening and a closing one."""
    if token.type != "fence":  # indented code has no end of its own, and no language
        return False
    start, end = token.map or (0, 0)
    whole_lines = not token.content or token.content.endswith("\n")
    return whole_lines and end - start == token.content.count("\n") + 2


class CodeFence(MarkdownFence):
    """Code as it is, on a quiet ground, without wrapping; scrolls sideways."""

    DEFAULT_CSS = """
    CodeFence {
        margin: 0 0 1 0;
        background: $surface;
        color: $foreground;
        &:light { background: $surface; }
        & > Label { padding: 0 2; }
    }
    """

    def __init__(self, markdown: Markdown, token: Token, code: str) -> None:
        self._is_complete = is_closed(token)
        super().__init__(markdown, token, code)

    # Textual's is a class method that knows neither the widget nor whether the fence is closed.
    def highlight(  # type: ignore[override]
        self, code: str, language: str, ansi: bool = False, dark: bool = False
    ) -> Content:
        """``code`` in colours where it is complete and its language named, else plain; it is never guessed."""
        name = language.split()[0] if language.strip() else ""
        if not name or not self._is_complete or len(code) > _MOST_COLOURED_CHARACTERS:
            return Content(code)
        theme = (ANSIDarkHighlightTheme if dark else ANSILightHighlightTheme) if ansi else HighlightTheme
        return highlight(code, language=name, theme=theme)

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if isinstance(block, CodeFence):
            self._is_complete = block._is_complete
        await super()._update_from_block(block)
