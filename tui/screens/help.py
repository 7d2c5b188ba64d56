"""The keys, from the one table that binds them."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import APP_KEYS, CHAT_KEYS, COMPOSER_KEYS, Key


class HelpScreen(ModalScreen[None]):
    """Over the chat; any of its keys closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: $background 60%;
        & > VerticalScroll {
            width: 64; max-width: 100%; height: auto; max-height: 100%;
            padding: 1 3; background: $surface; border: round $panel;
            scrollbar-size-vertical: 1;
            border-title-color: $text-primary; border-subtitle-color: $text-muted;
        }
        &.-narrow > VerticalScroll { padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", "close", id="help.close", show=False, priority=True)
    ]

    def compose(self) -> ComposeResult:
        """Three groups of keys."""
        with VerticalScroll() as panel:
            panel.border_title = "Keys"
            panel.border_subtitle = "esc closes"
            yield Static(_table(COMPOSER_KEYS + CHAT_KEYS + APP_KEYS), markup=False)


def _table(keys: tuple[Key, ...]) -> Content:
    width = max(len(key.shown) for key in keys) + 2
    lines = [Content.assemble((f"{key.shown:<{width}}", "$text-primary"), key.words) for key in keys]
    return Content("\n").join(lines)
