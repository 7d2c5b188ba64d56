"""The conversation: what the user does becomes requests, what the session reports becomes text, at a fixed rate."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from inspect import isawaitable
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from spectra_local.chats.attachments import attach_mentioned
from spectra_local.errors import SpectraError, StoreError
from spectra_local.printable import printable, printable_line
from spectra_local.protocol import Assistant
from spectra_local.settings import Settings
from tui.adapter import CHAT_SAMPLING, Adapter, Failure, Frame
from tui.archive import Archive
from tui.commands import COMMANDS, Command
from tui.commands.registry import PREFIX, parse
from tui.keys import CHAT_KEYS, bindings
from tui.session import Session
from tui.state import Chat, Outcome, Phase, State
from tui.status import reading, status_of
from tui.textual_workarounds import SafeSelection
from tui.widgets.composer import Composer
from tui.widgets.failure_panel import FailurePanel
from tui.widgets.question import Question
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript
from tui.widgets.turns import footnote, turn_widget

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.widgets.answer import Answer

FRAMES_PER_SECOND = 10  # smooth to the eye; each frame takes processor time from the model
FIGURES_PER_SECOND = 3  # of the status line while an answer comes: numbers that change faster cannot be read
QUIT_WITHIN_S = 2.0  # a second ctrl+c within this time quits

SAVE_EVERY_S = 2.0  # while an answer comes: kill -9 costs no more of it
_IDLE_KEYS = "enter send · ctrl+j new line · f1 keys"


class ChatScreen(SafeSelection):
    """One conversation with one model."""

    DEFAULT_CSS = """
    ChatScreen {
        background: $background;
        align-horizontal: center;
        & > #desk { height: auto; align-horizontal: center; padding: 0 2; }
        & > #desk > * { max-width: 100; }
        & .hint { height: auto; width: 100%; padding: 0 2; color: $text-warning; display: none; }
        &.-hinting .hint { display: block; }
        &.-narrow Transcript { padding: 0 0 0 1; }
        &.-narrow > #desk { padding: 0; }
        &.-narrow StatusLine { padding: 0 1; }
        &.-short Transcript > #column { padding-top: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CHAT_KEYS)]
    is_first_chat = True  # what is typed before the chat of last time is shown stays
    AUTO_FOCUS = "Composer"

    def __init__(
        self, session: Session, archive: Archive, settings: Settings, open_named: Callable[[str], Assistant]
    ) -> None:
        super().__init__()
        self._open_named = open_named
        self.archive = archive
        self._editing: int | None = None  # the turn that is asked anew
        self._saved_at = 0.0
        self._hint_timer: Timer | None = None
        self._draft = self._kept_draft = ""
        self._session = session
        self.state = State()
        self._adapter = Adapter(self.state)
        self.use_settings(settings)
        self._answer: Answer | None = None
        self._interrupted_at = -QUIT_WITHIN_S
        self._shown_phase: Phase | None = None
        self._figures_at = 0.0

    def compose(self) -> ComposeResult:
        """The conversation above, writing below."""
        yield Transcript()
        with Vertical(id="desk"):
            yield Static("", markup=False, classes="hint")
            yield Composer()
            yield StatusLine()

    def on_mount(self) -> None:
        """The model is loaded once the first frame is out."""
        self._show_state()
        self.query_one(Transcript).follow()
        self.set_interval(1 / FRAMES_PER_SECOND, self._repaint)
        self.call_after_refresh(self._start)

    async def _start(self) -> None:
        """The first frame is out: the model is loaded, and the conversation of last time is shown."""
        self.load_model()
        try:
            latest = self.archive.latest()
        except StoreError as error:
            self.notify(printable_line(str(error)), markup=False)
        else:
            if latest is not None and not self.state.chat.turns:
                await self.show_chat(*latest)

    def on_resize(self) -> None:
        """A narrow screen has room for fewer words."""
        self.call_after_refresh(self._show_state)

    # The model

    def load_model(self) -> None:
        """Loads the model, or loads it again after its process died."""
        self._adapter.loading()
        self._session.load()
        self._show_state()

    def use_model(self, name: str) -> None:
        """Another model in this conversation; the process of the one before ends, and with it goes its memory."""
        self._adapter.loading()
        self._session.switch(partial(self._open_named, name))
        self._show_state()

    def unload_model(self) -> None:
        """Frees the model's memory; the next message loads it again."""
        self._session.unload()
        self.hint("The model is unloaded. Enter loads it again.")

    def use_settings(self, settings: Settings) -> None:
        """From the next message on."""
        self._adapter.sampling = settings.sampling(CHAT_SAMPLING)
        self._adapter.system = settings.system_prompt

    async def _repaint(self) -> None:
        reports = self._session.drain()
        if reports:
            await self._show(self._adapter.receive(reports, monotonic()))
        if (self.state.model.busy or self._draft != self._kept_draft) and monotonic() - self._saved_at > SAVE_EVERY_S:
            self.save(draft=True)

    async def _show(self, frame: Frame) -> None:
        answer = self._answer
        if answer is not None:
            for notice in frame.notices:
                answer.notice(notice)
            if frame.text:
                answer.write(frame.text)
        else:
            for notice in frame.notices:
                self.notify(notice, markup=False)
        if frame.finished:
            await self._close_answer()
        if frame.failure:
            await self._fail(frame.failure)
        if frame.loaded:
            self._begin()
        if frame.finished or frame.failure:
            self.save()
        self._show_state()

    def _begin(self) -> None:
        """Sends the open answer's request if the model is free; otherwise it stays queued."""
        if request := self._adapter.begin():
            self._session.ask(request)

    async def _close_answer(self) -> None:
        answer, self._answer = self._answer, None
        turn = self.state.chat.last("assistant")
        if answer is not None and turn is not None:
            await answer.finish(footnote(turn))

    async def _fail(self, failure: Failure) -> None:
        if (entry := getattr(failure.error, "entry", None)) is None:
            await self._show_failure(failure)
            return
        from tui.screens.fetch import FetchScreen  # a model of the catalogue that is not on this disk

        async def fetched(success: bool | None) -> None:
            if success:
                self.load_model()
            else:
                await self._show_failure(failure)

        await self.app.push_screen(FetchScreen(entry), fetched)

    async def _show_failure(self, failure: Failure) -> None:
        turn = self.state.chat.last("assistant")
        answer = self._answer
        transcript = self.query_one(Transcript)
        if answer is not None and turn is not None and turn.outcome is not Outcome.OPEN:
            self._answer = None
            if turn.text:
                await answer.finish(footnote(turn))
            else:
                await answer.remove()
        composer = self.query_one(Composer)
        if failure.returned:
            transcript.query(Question).last().add_class("-failed")
            composer.give_back(failure.returned)
        await transcript.add(FailurePanel(failure))

    async def _restart(self) -> None:
        await self.query(FailurePanel).remove()
        self.query_one(Composer).focus()
        self.load_model()

    def on_unmount(self) -> None:
        """The chat and what was typed are kept."""
        self.save(draft=True)
        self.archive.close()

    # What the user writes

    @on(Composer.Changed)
    def _typed(self, event: Composer.Changed) -> None:
        self._draft = event.text_area.text

    @on(Composer.Sent)
    async def _send(self, message: Composer.Sent) -> None:
        model = self.state.model
        if (command := parse(message.text)) is not None:
            await self.run_command(*command, typed=message.text)
            return
        if not message.text.strip():
            if model.phase is Phase.DOWN:
                await self._restart()
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
        await self.query_one(Transcript).add(Question(message.text, files))
        await self._open_answer()
        self.save()
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

    async def _open_answer(self) -> None:
        from tui.widgets.answer import Answer  # the Markdown parser is 45 ms of imports that the first frame can spare

        self._answer = Answer()
        await self.query_one(Transcript).add(self._answer)
        self._begin()
        self._show_state()

    # Keys

    def action_stop(self) -> None:
        """Stops the answer. One that still waits for the model goes back to the input box."""
        if self.state.model.busy:
            self._adapter.stopping()
            self._session.cancel()
            self._show_state()
        elif self.state.chat.open_answer() is not None and self.state.chat.turns[-2].role == "user":
            self.run_worker(self._withdraw())
        elif self._editing is not None:
            self.edit(None)

    async def _withdraw(self) -> None:
        answer, self._answer = self._answer, None
        turn = self._adapter.withdraw()
        self.query_one(Composer).give_back(turn.text)
        with suppress(StoreError):
            self.archive.withdrawn(turn)
        if answer is not None:
            await answer.remove()
        await self.query(Question).last().remove()

    async def action_retry(self) -> None:
        """Another answer to the last message, drawn with a fresh seed instead of greedily."""
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif self.state.model.phase is Phase.DOWN:
            await self._restart()
        elif self._adapter.retry(secrets.randbelow(2**31)):
            transcript = self.query_one(Transcript)
            if transcript.ends_early:
                await transcript.show(self.state.chat.turns[:-1], turn_widget)
            await transcript.remove_after(self.query(Question).last())
            await self._open_answer()
            self.save()
        else:
            self.hint("There is no answer to try again yet.")

    async def action_new_chat(self, *, incognito: bool = False) -> None:
        """An empty conversation with the same model."""
        self.save(draft=True)
        await self.show_chat(Chat(incognito=incognito))
        if self.state.model.phase is Phase.DOWN:
            await self._restart()

    def action_copy_answer(self) -> None:
        """The last answer, as the Markdown that the model wrote."""
        turn = self.state.chat.last("assistant")
        if turn is None or not turn.text:
            self.hint("There is no answer to copy yet.")
            return
        self.app.copy_to_clipboard(turn.text)
        self.hint("Answer copied.")

    def action_interrupt(self) -> None:
        """ctrl+c: copies a selection, or stops the answer, or quits when pressed twice."""
        now = monotonic()
        if text := self.query_one(Composer).selected_text or self.get_selected_text():
            self.app.copy_to_clipboard(text)
            self.hint("Selection copied.")
        elif self.state.model.busy:
            self.action_stop()
        elif self.query_one(Composer).text:
            self.query_one(Composer).action_clear_all()
            self.hint("Cleared; alt+z brings it back.")
        elif now - self._interrupted_at < QUIT_WITHIN_S:
            self.app.exit()
        else:
            self._interrupted_at = now
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

    # Chats, kept and branched

    def save(self, *, draft: bool = False) -> None:
        """Writes what is new; what goes wrong is told and the chat goes on."""
        self._saved_at = monotonic()
        trouble = self.archive.save(self.state.chat)
        if draft and self._editing is None:
            try:
                self._kept_draft = self._draft
                self.archive.keep_draft(self.state.chat, self._draft)
            except StoreError as error:
                trouble = trouble or str(error)
        if trouble:
            self.notify(printable_line(trouble), markup=False, severity="warning")

    async def show_chat(self, chat: Chat, draft: str = "", at: int | None = None) -> None:
        """Puts another conversation on the screen, around the message with the row ``at`` or at its end."""
        self._session.abandon()
        self._answer, self._editing = None, None
        self._adapter.new_chat(chat)
        around = next((n for n, turn in enumerate(chat.turns) if at is not None and turn.row == at), None)
        await self.query_one(Transcript).show(chat.turns, turn_widget, around)
        composer = self.query_one(Composer)
        if draft or not self.is_first_chat:
            composer.load_text(printable(draft))
            composer.move_cursor(composer.document.end)
        self.is_first_chat = False
        self._draft = self._kept_draft = composer.text
        composer.border_title = "incognito: nothing is saved" if chat.incognito else ""
        composer.focus()
        self._show_state()

    async def open_chat(self, chat: int, message: int | None = None) -> None:
        """Opens a saved chat at a message, or where it ends."""
        self.save(draft=True)
        try:
            found = self.archive.open(chat, message)
        except StoreError as error:
            self.notify(printable_line(str(error)), markup=False, severity="error")
            return
        if found is None:
            self.hint("That chat is gone.")
        else:
            await self.show_chat(*found, at=message)

    def action_chats(self, words: str = "") -> None:
        """The list of chats."""
        from tui.screens.chats import ChatsScreen, Place

        self.save(draft=True)
        screen = ChatsScreen(self.archive, words, self.state.chat.id)

        async def go(place: Place | None) -> None:
            if place is not None:
                await self.open_chat(*place)
            elif self.state.chat.id in screen.deleted:
                await self.show_chat(Chat())

        self.app.push_screen(screen, go)

    def action_edit_earlier(self) -> None:
        """The last message of the user's, or the one before that which is being edited."""
        before = len(self.state.chat.turns) if self._editing is None else self._editing
        asked = [n for n, turn in enumerate(self.state.chat.turns[:before]) if turn.role == "user"]
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif asked:
            self.edit(asked[-1])
        else:
            self.hint("There is no earlier message to edit.")

    def edit(self, index: int | None) -> None:
        """Puts turn ``index`` into the box; sent, it begins another branch there. None: leaves it as it was."""
        composer = self.query_one(Composer)
        self._editing = index
        composer.load_text("" if index is None else printable(self.state.chat.turns[index].text))
        composer.move_cursor(composer.document.end)
        composer.border_title = "" if index is None else "editing an earlier message · esc leaves it as it was"

    async def _leave_branch(self) -> None:
        """Before an edited message is sent, the branch it was on leaves the screen; it stays in the store."""
        transcript, index = self.query_one(Transcript), self._editing
        if index is not None:
            self.edit(None)
            self._adapter.rewind(index)
            await transcript.show(self.state.chat.turns, turn_widget)
        elif transcript.ends_early:
            await transcript.show(self.state.chat.turns, turn_widget)

    # What is shown around the text

    def hint(self, words: str) -> None:
        """One line above the input box for a few seconds."""
        self.query_one(".hint", Static).update(words)
        self.add_class("-hinting")
        if self._hint_timer is not None:
            self._hint_timer.stop()
        self._hint_timer = self.set_timer(3, lambda: self.remove_class("-hinting"))

    def _show_state(self) -> None:
        model, now = self.state.model, monotonic()
        answering = model.phase is self._shown_phase is Phase.ANSWERING
        if not answering or now - self._figures_at >= 1 / FIGURES_PER_SECOND:
            self._shown_phase, self._figures_at = model.phase, now
            self.query_one(StatusLine).show(status_of(self.state))
        if self._answer is not None:
            self._answer.wait_for(_waiting_words(model.phase, reading(model)))
        keys = "esc stop" if model.busy else "f1 keys" if self.has_class("-narrow") else _IDLE_KEYS
        composer = self.query_one(Composer)
        if composer.border_subtitle != keys:
            composer.border_subtitle = keys


def _waiting_words(phase: Phase, progress: str) -> str:
    match phase:
        case Phase.LOADING:
            return "Waiting for the model to load. esc takes the message back."
        case Phase.READING:
            return progress.capitalize()
        case _:
            return ""
