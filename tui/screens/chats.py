"""The saved chats: newest first, found by any word of theirs, renamed and deleted here."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from spectra_local.errors import StoreError
from spectra_local.printable import printable_line
from tui.archive import Archive
from tui.keys import CHATS_KEYS, bindings
from tui.screens.confirm import ConfirmScreen
from tui.screens.panel import PanelScreen
from tui.textual_workarounds import Line

SHOWN = 100  # lines of the list; typing finds the others
_DAY_S = 86_400
_AGE = 10  # cells: "59 min", "2026-11-21"

# Under the list, on a wide screen and on a narrow one.
_KEYS = ("enter opens · ctrl+r renames · del deletes · esc closes", "enter opens · esc closes")
_KEYS_RENAMING = ("enter renames · esc leaves the title as it is", "enter renames · esc not")

Place = tuple[int, int | None]  # a chat, and a message in it


@dataclass(frozen=True, slots=True)
class _Found:
    place: Place
    title: str
    line: Content


class ChatsScreen(PanelScreen[Place | None]):
    """Ends with the place to go to."""

    DEFAULT_CSS = """
    ChatsScreen {
        & > #panel { width: 90; height: 80%; padding: 0 1; }
        &.-broad > #panel { width: 120; }
        Input { border: none; height: 1; margin: 1 1; background: $surface; padding: 0; }
        OptionList { height: 1fr; }
        &:ansi OptionList > .option-list--option-highlighted { text-style: reverse; }  /* it has no focus to show */
        .none { display: none; color: $text-muted; margin: 1; }
        &.-none .none { display: block; }
        &.-none OptionList { display: none; }
        &.-short > #panel { height: 100%; }
        &.-short Input { margin: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CHATS_KEYS)]
    AUTO_FOCUS = "Input"

    def __init__(
        self, archive: Archive, delete: Callable[[int], None], words: str = "", current: int | None = None
    ) -> None:
        """``delete`` erases a chat, in its own time."""
        super().__init__()
        self._archive, self._delete, self._words, self._current = archive, delete, words, current
        self._listing = False
        self._wanted: str | None = None  # the words that are to be looked for next
        self._opens_first = False  # enter was pressed before what it means was found
        self._places: list[Place] = []
        self._titles: list[str] = []
        self._renaming: int | None = None
        self.deleted: set[int] = set()

    def compose(self) -> ComposeResult:
        """Words above, chats below."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Chats"
            yield Line(self._words, placeholder="Search titles and messages", compact=True)
            yield Static("", markup=False, classes="none")
            yield OptionList(markup=False, compact=True)

    def on_mount(self) -> None:
        """All, or what was searched for."""
        self._list()

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._renaming is None:
            self._list()

    def _list(self) -> None:
        """Looks for what is typed, beside the screen; while one search runs, only the newest words wait."""
        self._wanted = self.query_one(Input).value
        if not self._listing:
            self._listing = True
            self.run_worker(self._look())

    async def _look(self) -> None:
        while (words := self._wanted) is not None:
            self._wanted = None
            nothing = "Nothing has these words." if words.strip() else "No chats are saved yet."
            try:
                found = await asyncio.to_thread(self._found if words.strip() else self._newest, words)
            except StoreError as error:
                found, nothing = [], printable_line(str(error))
            if self not in self.app.screen_stack:  # closed meanwhile: the list may be gone before this is cancelled
                return
            if self._wanted is None:
                self._show([line for line in found if line.place[0] not in self.deleted], nothing)
        self._listing = False
        if self._opens_first:
            self._enter()

    def _show(self, found: list[_Found], nothing: str) -> None:
        self._places, self._titles = [each.place for each in found], [each.title for each in found]
        lines = [each.line for each in found]
        options = self.query_one(OptionList)
        chosen = options.highlighted or 0
        options.clear_options().add_options([Option(line) for line in lines])
        options.highlighted = min(chosen, len(lines) - 1) if lines else None
        self.set_class(not lines, "-none")
        self.query_one(".none", Static).update(nothing)
        self._tell()

    def _newest(self, _: str) -> list[_Found]:
        chats = self._archive.chats(SHOWN)
        return [
            _Found((c.id, None), c.title, self._line(c.id, c.title, c.changed, f"{c.n_messages} messages"))
            for c in chats
        ]

    def _found(self, words: str) -> list[_Found]:
        hits = self._archive.search(words)[:SHOWN]
        return [_Found((h.chat, h.message), h.title, self._line(h.chat, h.title, h.changed, h.excerpt)) for h in hits]

    def _line(self, chat: int, title: str, changed: float, more: str) -> Content:
        return line_of(title, changed, more, is_current=chat == self._current)

    def on_resize(self) -> None:
        """A narrow screen has room for fewer words."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        keys = _KEYS if self._renaming is None else _KEYS_RENAMING
        self.query_one("#panel").border_subtitle = keys[self.has_class("-narrow")]

    def _chosen(self) -> int | None:
        """Its number in the list."""
        highlighted = self.query_one(OptionList).highlighted
        return highlighted if highlighted is not None and highlighted < len(self._places) else None

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _enter(self) -> None:
        number = self._chosen()
        self._opens_first = False
        if self._listing and self._renaming is None:
            self._opens_first = True
        elif self._renaming is not None:
            self._rename(self._renaming, self.query_one(Input).value)
        elif number is not None:
            self.dismiss(self._places[number])

    def action_move(self, rows: int) -> None:
        """Up and down while the keyboard stays with the words."""
        options = self.query_one(OptionList)
        if options.option_count and self._renaming is None:
            options.highlighted = min(max((options.highlighted or 0) + rows, 0), options.option_count - 1)

    def action_rename(self) -> None:
        """The line becomes a title to edit."""
        if (number := self._chosen()) is not None and self._renaming is None:
            self._words, self._renaming = self.query_one(Input).value, self._places[number][0]
            self.query_one(Input).value = printable_line(self._titles[number])
            self._tell()

    def _rename(self, chat: int, title: str) -> None:
        try:
            if title.strip():
                self._archive.store.rename(chat, title.strip())
        except StoreError as error:
            self.notify(printable_line(str(error)), markup=False, severity="error")
        self._leave_renaming()

    def _leave_renaming(self) -> None:
        self._renaming = None
        self.query_one(Input).value = self._words
        self._list()

    def action_delete(self) -> None:
        """Deletes the chosen chat once that is confirmed."""
        if (number := self._chosen()) is None or self._renaming is not None:
            return
        chat, title = self._places[number][0], self._titles[number]

        def sure(yes: bool | None) -> None:
            if not yes:
                return
            self.deleted.add(chat)
            self._delete(chat)
            self._list()

        self.app.push_screen(
            ConfirmScreen("Delete this chat?", f"{title}\n\nIt cannot be brought back.", "Delete"), sure
        )

    def action_close(self) -> None:
        """Back to the chat."""
        if self._renaming is not None:
            self._leave_renaming()
        else:
            self.dismiss(None)


def line_of(title: str, changed: float, more: str, *, is_current: bool) -> Content:
    """A line of the list. ``changed``: seconds since 1970; ``more``: what is said behind the title."""
    mark = "• " if is_current else "  "
    return Content.assemble(
        (f"{mark}{ago(changed):<{_AGE}}  ", "$foreground 50%"),
        printable_line(title) or "untitled",
        (f"  {printable_line(more)}", "$foreground 60%"),
    )


def ago(then: float) -> str:
    """When, as short as it can be understood."""
    seconds = max(0.0, time.time() - then)
    for unit, length in (("d", _DAY_S), ("h", 3600), ("min", 60)):
        if seconds >= length:
            if unit == "d" and seconds > 30 * _DAY_S:
                return time.strftime("%Y-%m-%d", time.localtime(then))
            return f"{int(seconds // length)} {unit}"
    return "now"
