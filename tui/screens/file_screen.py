"""A file on the screen: its text, saving, what other programs do to it meanwhile, and leaving it. Knows no model."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.widgets import Static, TextArea

from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line
from tui.editing.edited_file import EditedFile
from tui.editing.recovery import Recovery, Unsaved
from tui.textual_workarounds import SafeSelection
from tui.widgets.code_area import CodeArea

if TYPE_CHECKING:
    from textual.timer import Timer

LOOK_AT_DISK_S = 2.0
SAY_S = 4.0
KEEP_EVERY_S = 2.0  # as chats are saved while they come


class FileScreen(SafeSelection):
    """One file. Closing it asks where changes are not saved."""

    def __init__(self, file: EditedFile, *, ends_app: bool = False) -> None:
        """``ends_app``: nothing else was opened, so closing the file ends the app."""
        super().__init__()
        self.file = file
        self.changed = False  # there is something to lose
        self._ends_app = ends_app
        self._recovery = Recovery(file.path)
        self._text = file.saved or ""  # as it would be saved now
        self._kept = ""  # the text that was last kept for a recovery
        self._hint_timer: Timer | None = None

    def on_mount(self) -> None:
        """Other programs may write the file too; this one may end unasked."""
        self.set_interval(LOOK_AT_DISK_S, self._look_at_disk)
        self.set_interval(KEEP_EVERY_S, self._keep_unsaved)
        if (unsaved := self._recovery.found(self.file.saved)) is not None:
            self._offer_unsaved(unsaved)

    def on_unmount(self) -> None:
        """A hang-up asks nobody: what it would lose is kept."""
        self._keep_unsaved()
        self._recovery.close()

    def show_state(self) -> None:
        """Draws what is shown around the text."""
        raise NotImplementedError

    @property
    def area(self) -> CodeArea:
        """The text."""
        return self.query_one(CodeArea)

    def say(self, words: str, seconds: float = SAY_S) -> None:
        """A word to the user, for some seconds above the status line."""
        self.query_one(".hint", Static).update(printable_line(words))
        self.add_class("-hinting")
        if self._hint_timer is not None:
            self._hint_timer.stop()
        self._hint_timer = self.set_timer(seconds, lambda: self.remove_class("-hinting"))

    @on(TextArea.Changed)
    def _compare(self) -> None:
        if not self.query(CodeArea):  # the screen closes, and this was on its way
            return
        self._text = self.file.exactly(self.area.text)
        self.changed = self._text != (self.file.saved or "")
        self.show_state()

    # The file

    def action_save(self) -> None:
        """Writes the file."""
        self._save()

    def _save(self, then: Callable[[], None] = lambda: None) -> None:
        text = self.area.text
        if self.file.differs_on_disk():
            self._ask_to_overwrite(text, then)
            return
        self._written(partial(self.file.save, text), then)

    def _written(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        try:
            write()
        except SpectraError as error:
            self.say(str(error))
            return
        self.say("Saved.")
        self._compare()
        self._keep_unsaved()
        self._is_saved()
        then()

    def _is_saved(self) -> None:
        """The file holds the text now."""

    def _ask_to_overwrite(self, text: str, then: Callable[[], None]) -> None:
        from tui.screens.confirm import ConfirmScreen

        def decide(yes: bool | None) -> None:
            if yes:
                self._written(partial(self.file.overwrite, text), then)

        words = (
            f"{self.file.name} was changed by another program since it was read. Saving replaces that by your "
            "text; else the file stays as it is, and your text here, unsaved."
        )
        self.app.push_screen(ConfirmScreen("Changed on the disk", words, "Save mine", "Keep the file's"), decide)

    def action_reload(self) -> None:
        """Takes the file from the disk; asks where that loses something."""
        from tui.screens.confirm import ConfirmScreen

        if not self.changed:
            self._reload()
            return
        words = f"Your changes to {self.file.name} are not saved. Reading it again drops them."
        self.app.push_screen(
            ConfirmScreen("Read it again?", words, "Drop them"), lambda yes: self._reload() if yes else None
        )

    def _reload(self) -> None:
        cursor = self.area.cursor_location
        try:
            self.file.read()
        except SpectraError as error:
            self.say(str(error))
            return
        self.area.take(self.file)
        self.area.move_cursor(self.area.clamp_visitable(cursor))
        self.say("Read from the disk.")

    def _look_at_disk(self) -> None:
        if not self.file.changed_on_disk():
            return
        if self.changed:
            self.say("Another program changed this file. f6 reads it, ctrl+s asks.")
        else:
            self._reload()

    # What is not saved

    def _keep_unsaved(self) -> None:
        """So that a crash costs no more than was typed in the last moment."""
        if self.changed and self._text != self._kept:
            self._kept = self._text
            self._recovery.keep(self._text, self.file.saved)
        elif not self.changed and self._recovery.has_kept:
            self._recovery.drop()
            self._kept = ""

    def _offer_unsaved(self, unsaved: Unsaved) -> None:
        from tui.screens.recovered import RecoveredScreen

        def decide(choice: str | None) -> None:
            if choice == "restore":
                self._recovery.keep(unsaved.text, self.file.saved)  # until they are saved
                self.area.replace(self.file.as_edited(unsaved.text), (0, 0), self.area.document.end)
                self.area.move_cursor((0, 0))
                self.say("Brought back, and not saved yet; alt+z shows the file as it is on the disk.")
            elif choice == "drop":
                self._recovery.drop()
            else:
                self.action_close()

        name = printable_line(self.file.path.name)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(unsaved.kept))
        self.app.push_screen(RecoveredScreen(name, when, same_file=unsaved.same_file), decide)

    def _discard(self) -> None:
        self.changed = False
        self._recovery.drop()

    # Leaving

    def action_close(self) -> None:
        """Back to the chat, or to the shell that opened the file."""
        self.ask_to_leave(self.app.exit if self._ends_app else self._leave)

    def _leave(self) -> None:
        self.dismiss()

    def ask_to_leave(self, leave: Callable[[], None]) -> None:
        """Leaves if nothing is lost by that, or the user says so."""
        from tui.screens.unsaved import UnsavedScreen

        if not self.changed:
            leave()
            return

        def decide(choice: str | None) -> None:
            if choice == "save":
                self._save(leave)
            elif choice == "discard":
                self._discard()
                leave()

        self.app.push_screen(UnsavedScreen(self.file.name), decide)
