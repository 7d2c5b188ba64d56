"""The settings one can choose among, each a row: enter takes the next choice, and it holds at once."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from spectra_local.chat_settings import InForce
from spectra_local.printable import printable_line
from spectra_local.settings import SAMPLING_RANGES, settings_file
from tui import themes
from tui.adapter import CHAT_SAMPLING
from tui.screens.panel import PanelScreen

# Keys that many terminals can tell from enter; ctrl+enter needs the kitty keyboard protocol.
SEND_KEYS = ("enter", "ctrl+enter", "alt+enter", "ctrl+s")
THEMES = ("", themes.DARK.name, themes.LIGHT.name, "ansi-dark", "ansi-light")
_TITLES = {"theme": "Theme", "send": "Key that sends", "preset": "Default preset", "system": "Default system prompt",
           "tint": "Accepted guesses"}  # fmt: skip

_UNSET = {"theme": "as the terminal"}


class SettingsScreen(PanelScreen[None]):
    """Over the chat. What is no choice (keys, presets, prompts) stands in the file, whose path is shown."""

    DEFAULT_CSS = """
    SettingsScreen {
        #file, #values { color: $text-muted; height: auto; margin: 1 0 0 0; }
        &.-short #file, &.-short #values { display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "close", id="settings.close", show=False, priority=True)
    ]

    def __init__(self, in_force: InForce) -> None:
        super().__init__()
        self._settings, self._chat = in_force.settings, in_force.chat

    def compose(self) -> ComposeResult:
        """The rows, then where the rest is."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Settings"
            panel.border_subtitle = "enter changes · esc closes"
            yield OptionList(*(Option(self._line(name), id=name) for name in _TITLES), markup=False)
            yield Static(self._values(), markup=False, id="values")
            file = printable_line(str(settings_file()))
            yield Static(f"Keys, presets and system prompts of your own: {file}", markup=False, id="file")

    @on(OptionList.OptionSelected)
    def _next(self, event: OptionList.OptionSelected) -> None:
        from tui.app import ChatApp

        app, name = self.app, event.option_id or ""
        choices = self._choices(name)
        now = getattr(self._settings, name)
        wanted = choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]
        if isinstance(app, ChatApp) and app.change_setting((name,), wanted or None):
            self._settings = app.settings
            event.option_list.replace_option_prompt(name, self._line(name))
            self.query_one("#values", Static).update(Content(self._values()))

    def _choices(self, name: str) -> Sequence[str | bool]:
        choices: dict[str, Sequence[str | bool]] = {
            "theme": THEMES,
            "send": SEND_KEYS,
            "preset": tuple(self._settings.presets),
            "system": ("", *self._settings.systems),
            "tint": (False, True),
        }
        return choices[name]

    def _values(self) -> str:
        """Every sampling parameter in force, and where it comes from."""
        in_force = InForce(self._settings, self._chat)
        sampling = in_force.sampling(CHAT_SAMPLING)
        values = {name: getattr(sampling, name) for name in SAMPLING_RANGES}
        shown = (
            f"{name} {'none' if value is None else f'{value:g}'} ({in_force.origin(name)})"
            for name, value in values.items()
        )
        return printable_line(
            f"This chat is answered with {', '.join(shown)}. /set NAME VALUE changes one here, /default keeps them."
        )

    def _line(self, name: str) -> Content:
        value = getattr(self._settings, name)
        if isinstance(value, bool):
            value = "tinted by source" if value else "plain"
        return Content.assemble(f"{_TITLES[name]:<23}", printable_line(value or _UNSET.get(name, "none")))
