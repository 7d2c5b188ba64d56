"""The chat: what the user writes and presses becomes messages, commands and movements."""

from contextlib import suppress
from inspect import isawaitable
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType

from spectra_local.chats.attachments import attach_mentioned
from spectra_local.errors import SpectraError, StoreError
from spectra_local.printable import printable_line
from tui.commands import COMMANDS, Command
from tui.commands.registry import PREFIX, parse
from tui.keys import CHAT_KEYS, bindings
from tui.screens.writing import WritingScreen
from tui.state import Phase
from tui.textual_workarounds import is_modifier
from tui.widgets.composer import Composer
from tui.widgets.question import Question
from tui.widgets.transcript import Transcript
from tui.widgets.turns import turn_widget

COPIED_TO_S = 10.0  # a path takes longer to read
QUIT_WITHIN_S = 2.0  # a second ctrl+c within this time quits


class ChatScreen(WritingScreen):
    """The app's first screen, from the bottom up: a conversation, kept, with branches; and here what is written."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CHAT_KEYS)]
    _interrupted_at = -QUIT_WITHIN_S  # when ctrl+c last asked for a second one; any other key calls that off
    _n_typed = _n_typed_then = 0  # keys and pastes so far, and when it did

    def use_found(self, path: Path) -> None:
        """Chosen as by ``/model``."""
        from tui.commands.choosing import use

        use(self, str(path))

    # What the user writes

    @on(Composer.Sent)
    async def _send(self, message: Composer.Sent) -> None:
        model = self.state.model
        self.remember_prompt(message.text)
        if (command := parse(message.text)) is not None:
            await self.run_command(*command, typed=message.text)
            return
        if not message.text.strip():
            if model.phase is Phase.DOWN:
                await self._try_again()
            return
        if self.state.chat.open_answer() is not None:
            self.hint("One answer at a time: esc stops this one. Your text stays here.")
            self.query_one(Composer).give_back(message.text)
            return
        try:
            files = attach_mentioned(message.text, model.n_ctx)
        except SpectraError as error:
            self.hint(printable_line(str(error)))
            self.query_one(Composer).give_back(message.text)
            return
        await self._leave_branch()
        self._adapter.ask(message.text, files)
        self.save()  # before the model is asked: what it learns is kept under the chat's number
        await self.query_one(Transcript).add(turn_widget(self.state.chat.turns[-2]))
        await self._open_answer()
        if model.phase is Phase.DOWN:
            await self._restart()

    async def run_command(self, name: str, argument: str = "", *, typed: str = "") -> None:
        """Runs a slash command; one that nobody knows goes back into the box with the nearest one named."""
        if (command := COMMANDS.get(name)) is not None and (argument or not command.needs_argument):
            if isawaitable(done := command.run(self, argument)):
                await done
            return
        if typed:
            self.query_one(Composer).give_back(typed)
        if command is not None:
            self.hint(f"{command.usage}: {command.words}")
        elif near := COMMANDS.nearest(name):
            self.hint(f"There is no /{printable_line(name)}. Did you mean {near.usage}?")
        else:
            self.hint(f"There is no /{printable_line(name)}. /help lists all; a space before it sends it as text.")

    async def begin_command(self, command: Command) -> None:
        """From the palette: runs it, or writes its name into the box where it needs an argument."""
        if command.needs_argument:
            self.query_one(Composer).give_back(f"{PREFIX}{command.name} ")
        else:
            await self.run_command(command.name)

    # Keys

    def note_typing(self, event: events.Key | events.Paste) -> None:
        """A key or a paste came, for whatever there is on the screen."""
        if isinstance(event, events.Key) and is_modifier(event.key):
            return
        self._n_typed += 1
        if self._interrupted_at > 0 and self._n_typed > self._n_typed_then + 1:
            self._interrupted_at = -QUIT_WITHIN_S
            self.end_hint()

    def action_stop(self) -> None:
        """Stops the answer. One that still waits for the model goes back to the input box."""
        self.clear_selection()
        self.set_focus(self.query_one(Composer))
        if self.close_completions():
            return
        if self.state.model.busy:
            self._adapter.stopping()
            self._session.cancel()
            self._show_state()
        elif (answer := self.state.chat.open_answer()) is not None and answer.text:
            self._adapter.leave_answer()
            self.run_worker(self._close_answer())
        elif answer is not None and self.state.chat.turns[-2].role == "user":
            self.run_worker(self._withdraw())
        elif self._editing is not None:
            self.edit(None)

    async def _withdraw(self) -> None:
        answer, self._answer = self._answer, None
        turn = self._adapter.withdraw()
        self.take_back(turn.text)
        with suppress(StoreError):
            self.archive.withdrawn(turn)
        if answer is not None:
            await answer.remove()
        await self.query(Question).last().remove()

    async def action_command(self, name: str) -> None:
        """A key does what a slash command does."""
        await self.run_command(name)

    def copy_answer(self) -> None:
        """The last answer, as the Markdown that the model wrote."""
        turn = self.state.chat.last("assistant")
        self.copy(turn.text if turn else "", "Answer")

    def copy(self, text: str, what: str, more: str = "") -> None:
        """Copies a text of the chat, and says so; ``more`` follows."""
        if text:
            self.run_worker(self._copy(text, what, more), group="copy", exclusive=True)
        else:
            self.hint("There is nothing to copy yet.")

    async def _copy(self, text: str, what: str, more: str = "") -> None:
        from tui.app import ChatApp

        assert isinstance(self.app, ChatApp)
        doubt = await self.app.copied(text)
        self.hint(f"{what} copied{doubt and ' '}{doubt or '.'}{more}", COPIED_TO_S if doubt else 3)

    def action_interrupt(self) -> None:
        """ctrl+c: copies a selection, or stops the answer, or quits when pressed twice."""
        now = monotonic()
        if text := self.query_one(Composer).selected_text or self.get_selected_text():
            self.clear_selection()  # the next one means something else
            self.copy(text, "Selection")
        elif self.state.model.busy:
            self.action_stop()
        elif self.query_one(Composer).text:
            self.query_one(Composer).action_clear_all()
            self.hint("Cleared; alt+z brings it back.")
        elif now - self._interrupted_at < QUIT_WITHIN_S:
            self.app.exit()
        else:
            self._interrupted_at, self._n_typed_then = now, self._n_typed
            self.hint("ctrl+c again, or ctrl+q, quits.")

    def action_end(self) -> None:
        """ctrl+d: quits with nothing typed, else deletes the next character, as in a shell."""
        composer = self.query_one(Composer)
        if composer.text:
            composer.action_delete_right()
        else:
            self.app.exit()

    def action_page_up(self) -> None:
        """One page towards the beginning; the view then stays where it is."""
        self.query_one(Transcript).scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """One page towards the newest text."""
        self.query_one(Transcript).scroll_page_down(animate=False)

    def action_to_top(self) -> None:
        """To the first message."""
        self.query_one(Transcript).scroll_home(animate=False)

    def action_to_bottom(self) -> None:
        """To the newest text, following it."""
        self.query_one(Transcript).follow()
