"""The keys and the slash commands, from the tables that bind them."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll

from tui.commands import COMMANDS
from tui.keymap import shown
from tui.keys import APP_KEYS, CHAT_KEYS, COMPOSER_KEYS, Key
from tui.screens.panel import PanelScreen
from tui.widgets.two_columns import TwoColumns

if TYPE_CHECKING:
    from collections.abc import Mapping


class HelpScreen(PanelScreen[None]):
    """Over the chat; any of its keys closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        & > #panel { width: 74; padding: 1 3; }
        &.-broad.-commands > #panel { width: 152; }
        #columns, #columns > TwoColumns { height: auto; }
        #columns { layout: vertical; }
        #commands { margin: 1 0 0 0; }
        &.-broad #columns { layout: horizontal; }
        &.-broad #columns > TwoColumns { width: 4fr; margin: 0 2 0 0; }
        &.-broad #columns > #commands { width: 5fr; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", "close", id="help.close", show=False, priority=True)
    ]

    def __init__(self, screen_keys: tuple[Key, ...] = COMPOSER_KEYS + CHAT_KEYS, *, commands: bool = True) -> None:
        """``screen_keys``: those of the screen that is helped with. ``commands``: it takes slash commands."""
        super().__init__()
        self._keys, self._commands = screen_keys + APP_KEYS, commands
        self.set_class(commands, "-commands")

    def compose(self) -> ComposeResult:
        """Keys first, then commands."""
        keys: Mapping[str, str] = getattr(self.app, "keys_in_use", {})
        with VerticalScroll(id="panel") as panel:
            panel.border_title = "Keys and commands" if self._commands else "Keys"
            panel.border_subtitle = "esc closes"
            with Container(id="columns"):
                yield TwoColumns([(shown(key, keys), key.words) for key in self._keys])
                if self._commands:
                    yield TwoColumns([(command.usage, command.words) for command in COMMANDS], id="commands")
