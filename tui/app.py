"""The Textual application: themes, and what every screen shares. What happens in a chat is in screens/chat.py."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content

from spectra_local.chat_settings import InForce
from spectra_local.errors import SpectraError
from spectra_local.printable import printable, printable_line
from spectra_local.protocol import Assistant
from spectra_local.settings import change_setting, load_settings
from tui import start_cache, themes
from tui.archive import Archive
from tui.commands import COMMANDS
from tui.focus import bring_home
from tui.keymap import key_of, keymap
from tui.keys import APP_KEYS, EDITOR_KEYS, SEARCH_KEYS, bindings
from tui.screens.chat import ChatScreen
from tui.session import OpenAssistant, Session
from tui.textual_workarounds import QuietCrash, events_of, go_back_to, hold_no_drawn_rows
from tui.widgets.composer import Composer
from tui.widgets.notices import Notices

if TYPE_CHECKING:
    from textual.app import SystemCommand
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from tui.corpus_work import CorpusWork

OpenNamed = Callable[[str], Assistant]

NOTICE_S, SETTINGS_S = 6.0, 60.0  # how long a notice stays
CLOSE_WITHIN_S = 0.5  # for the model to be freed when the app ends; its process is ended either way


class ChatApp(QuietCrash):
    """A chat with the assistant that ``open_assistant`` makes."""

    TITLE = "spectra-chat"
    CSS = """
    Button {
        min-width: 10; margin-left: 1; background: $panel; color: $foreground;
        &:focus { background: $primary; color: $background; text-style: bold; background-tint: transparent; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APP_KEYS)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012 - Textual declares them so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]  # noqa: RUF012
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self,
        open_assistant: OpenAssistant,
        open_named: OpenNamed | None = None,
        file: str = "",
        line: int = 1,
        *,
        typed: str = "",
        modes: list[Any] | None = None,
    ) -> None:
        """``file``: opened in the editor, at ``line``; closing it then ends the app.

        ``typed``: what the terminal has sent so far. ``modes``: of the terminal, to go back to; None: as it is now.
        """
        # Textual turns colours into greys for NO_COLOR; in its ANSI mode it leaves them out, as the variable asks.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        hold_no_drawn_rows()
        self.session = Session(open_assistant)
        self._file, self._line = file, line
        self._terminal_modes = modes
        self._early: list[events.Event] = [*events_of(typed)]  # typed before there is a place for it
        self._has_begun = False
        self._open_named = open_named or (lambda _: open_assistant())
        self.archive = Archive()
        self.corpus_work: CorpusWork | None = None
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.settings, self._setting_notices = load_settings()
        self.theme = self._wanted_theme()
        self.keys_in_use: dict[str, str] = {}
        self._told_settings: set[str] = set()
        self._use_keys()

    def get_default_screen(self) -> ChatScreen:
        """The chat is the first thing there is."""
        return ChatScreen(self.session, self.archive, self.settings, self._open_named)

    def get_system_commands(self, screen: "Screen[object]") -> Iterable["SystemCommand"]:
        """What ctrl+p offers."""
        from textual.app import SystemCommand

        if isinstance(screen, ChatScreen):
            for command in COMMANDS:
                title = f"{command.name}: {command.words}"  # only titles are searched, by name or by what it does
                key = key_of(command.name, self.keys_in_use)
                help_text = f"{command.usage}   {key}" if key else command.usage
                yield SystemCommand(title, help_text, partial(screen.begin_command, command))
        yield SystemCommand("light or dark: change between the two themes", "f2", self.action_toggle_theme)
        yield SystemCommand("theme: choose any theme", "also in /set", self.action_change_theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme of Textual's lacks."""
        return themes.tints_for(self.current_theme)

    def _wanted_theme(self) -> str:
        wanted = self.settings.theme
        if wanted and wanted not in self.available_themes:
            names = ", ".join((themes.DARK.name, themes.LIGHT.name, "ansi-dark", "ansi-light"))
            words = f"settings.toml: there is no theme '{wanted}'; there are {names}, and those that ctrl+p lists"
            self._setting_notices.append(printable_line(words))
        return wanted if wanted in self.available_themes else themes.preferred()

    def _use_keys(self) -> None:
        self.keys_in_use, notices = keymap(self.settings.keys, self.settings.send)
        self._setting_notices += notices
        self.set_keymap(self.keys_in_use)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: "SeverityLevel" = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Says it above the box of the screen on top that has one; from any thread."""
        words = Content.from_markup(message).plain if markup else message
        words = f"{title}: {words}" if title else words
        self.call_later(self._say, words, severity, timeout or NOTICE_S)

    def _say(self, words: str, severity: str, seconds: float) -> None:
        boxes = [box for screen in reversed(self.screen_stack) for box in screen.query(Notices)]
        if boxes:
            boxes[0].tell(words, severity, seconds)

    def tell_settings(self) -> None:
        """What could not be used of the settings, each once."""
        fresh = [notice for notice in self._setting_notices if notice not in self._told_settings]
        self._told_settings.update(fresh)
        for notice in fresh:
            self.notify(notice, severity="warning", markup=False, timeout=SETTINGS_S)
        self._setting_notices = []

    def change_setting(self, path: tuple[str, ...], value: str | float | bool | None) -> bool:
        """Keeps one setting and follows it at once. A file that cannot be written is a notice, and False."""
        try:
            change_setting(path, value)
        except SpectraError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return False
        self.settings, self._setting_notices = load_settings()
        if path == ("theme",):  # another choice leaves alone what F2 chose for now
            self.theme = self._wanted_theme()
        self._use_keys()
        self.tell_settings()
        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen):
            chat.use_settings(self.settings)
        return True

    def open_file(self, name: str, line: int = 1, *, ends_app: bool = False) -> str:
        """Opens a file in the editor; returns what is wrong with it, "" if nothing."""
        from tui.editing.edited_file import EditedFile
        from tui.screens.editor import EditorScreen

        chat = self.screen_stack[0]
        assert isinstance(chat, ChatScreen)
        try:
            file = EditedFile(name)
        except SpectraError as error:
            return printable_line(str(error))
        model = partial(getattr, chat.state, "model")
        learn = self.settings.completion.allow(file.path)
        editor = EditorScreen(file, self.session, model, chat.load_model, line=line, ends_app=ends_app, learn=learn)
        self.push_screen(editor)
        return ""

    async def action_quit(self) -> None:
        """Ends the app; a file with changes that are not saved is asked about first."""
        from tui.screens.editor import EditorScreen

        editor = next((screen for screen in self.screen_stack if isinstance(screen, EditorScreen)), None)
        if editor is None:
            self.exit()
        elif self.screen is editor:
            editor.ask_to_leave(self.exit)

    def action_settings(self) -> None:
        """The settings."""
        from tui.screens.settings import SettingsScreen

        chat = self.screen_stack[0]
        self.push_screen(SettingsScreen(chat.in_force if isinstance(chat, ChatScreen) else InForce(self.settings)))

    def action_help(self) -> None:
        """The keys."""
        from tui.screens.editor import EditorScreen
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, EditorScreen):
            self.push_screen(HelpScreen(EDITOR_KEYS + SEARCH_KEYS, commands=False))
        else:
            self.push_screen(HelpScreen())

    def action_toggle_theme(self) -> None:
        """Light or dark."""
        self.theme = themes.DARK.name if not self.current_theme.dark else themes.LIGHT.name

    def action_help_quit(self) -> None:
        """Textual's own answer to ctrl+c; the chat has a better one, and a panel over it needs none."""

    def copy_to_clipboard(self, text: str) -> None:
        """Copies beside the screen, and says so where it is not sure that the text has arrived."""

        async def copy() -> None:
            if doubt := await self.copied(text):
                self.notify(f"Copied {doubt}", markup=False, timeout=10)

        self.run_worker(copy())

    async def copied(self, text: str) -> str:
        """Copies what was to be seen, through the terminal and by the desktop's own tools, one after the other.

        Returns "" where a tool has taken it. A terminal never says whether it did: then where else the text is.
        """
        from tui import clipboard

        shown = printable(text)
        super().copy_to_clipboard(shown)
        commands = clipboard.tools()
        for command in commands:
            if await asyncio.to_thread(clipboard.copy, shown, command):
                return ""
        tools = " and ".join(command[0] for command in commands)
        why = f" ({tools} failed)" if tools else ""
        return f"through the terminal{why}; if it refuses, {await asyncio.to_thread(self._kept, shown)}"

    def _kept(self, text: str) -> str:
        from tui import clipboard

        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen) and chat.state.chat.incognito:
            return "install wl-clipboard, xclip or xsel: an incognito chat writes no file."
        try:
            return printable_line(f"the text is in {clipboard.keep(text)}")
        except OSError as error:
            return f"install wl-clipboard, xclip or xsel: it cannot be written to a file ({error.strerror})."

    async def on_event(self, event: events.Event) -> None:
        """Keys wait until there is a screen to take them, and then go where they belong, in their order."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            if not (self._has_begun and self.screen.is_mounted):
                self._early.append(event)
                if self._has_begun:
                    self.screen.call_later(self.call_later, self._take_early)
                return
            await self._take_early()
            bring_home(self.screen, event)
            if isinstance(chat := self.screen_stack[0], ChatScreen):
                chat.note_typing(event)
        await super().on_event(event)

    async def _take_early(self) -> None:
        early, self._early = self._early, []
        for event in early:
            await self.on_event(event)

    async def on_ready(self) -> None:
        """The first frame is out: collecting garbage begins, but never looks at what the start has made."""
        if self._terminal_modes is not None:
            go_back_to(self, self._terminal_modes)
        if self.screen.focused is None:  # in a browser the app begins without the keyboard, and nothing has it then
            self.screen.set_focus(self.screen.query_one(Composer))
        if self._file:
            self.open_file(self._file, self._line, ends_app=True)
        self._has_begun = True
        await self._take_early()
        self.tell_settings()
        start_cache.keep()
        self.app_resume_signal.subscribe(self, lambda _: self.call_after_refresh(self._draw_all))
        gc.freeze()
        gc.enable()

    def leave(self) -> None:
        """Ends the app from a signal handler: nothing but a flag and a wake-up."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.exit)

    def _draw_all(self) -> None:
        """After ctrl+z and fg the terminal is empty, and Textual draws only what changed since."""
        for widget in self.screen.walk_children(with_self=True):
            widget.refresh()
        self.screen.refresh(layout=True, repaint=True)

    def on_unmount(self) -> None:
        """Ends the model with the app."""
        self.session.close(CLOSE_WITHIN_S)
