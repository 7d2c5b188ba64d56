"""A conversation on the screen: what the session reports becomes text, at a fixed rate, with what is wrong below it.

Knows nothing of what is written, of commands, and of where conversations are kept.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from spectra_local.chat_settings import InForce
from spectra_local.protocol import Assistant
from spectra_local.settings import Settings
from tui.adapter import CHAT_SAMPLING, Adapter, Failure, Frame
from tui.session import Session
from tui.state import Outcome, Phase, State
from tui.status import reading, status_of
from tui.textual_workarounds import SafeSelection
from tui.widgets.composer import Composer
from tui.widgets.failure_panel import FailurePanel
from tui.widgets.notices import Notices
from tui.widgets.question import Question
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript
from tui.widgets.turns import footnote, turn_widget

if TYPE_CHECKING:
    from textual.timer import Timer

    from spectra_local.catalogue.offers import Choice
    from tui.widgets.answer import Answer

FRAMES_PER_SECOND = 10  # smooth to the eye; each frame takes processor time from the model
FIGURES_PER_SECOND = 3  # of the status line while an answer comes: numbers that change faster cannot be read

_IDLE_KEYS = "enter send · ctrl+j new line · f1 keys"


class ConversationScreen(SafeSelection):
    """One conversation with one model."""

    DEFAULT_CSS = """
    ConversationScreen {
        background: $background;
        align-horizontal: center;
        & > #desk { height: auto; align-horizontal: center; padding: 0 2; }
        & > #desk > * { max-width: 100; }
        & .hint { height: auto; width: 100%; padding: 0 2; color: $text-warning; display: none; }
        &.-hinting .hint { display: block; }
        &.-narrow Transcript { padding: 0 0 0 1; }
        &.-narrow > #desk { padding: 0; }
        &.-narrow StatusLine { padding: 0 1; }
        &.-short Completions { max-height: 3; }
        &.-short Transcript > #column { padding-top: 0; }
    }
    """

    AUTO_FOCUS = "Composer"

    def __init__(self, session: Session, settings: Settings, open_named: Callable[[str], Assistant]) -> None:
        super().__init__()
        self._open_named = open_named
        self._session = session
        self.state = State()
        self._adapter = Adapter(self.state)
        self.use_settings(settings)
        self._answer: Answer | None = None
        self._when_loaded: Callable[[], object] | None = None
        self._hint_timer: Timer | None = None
        self._shown_phase: Phase | None = None
        self._started = False
        self._figures_at = 0.0

    def compose(self) -> ComposeResult:
        """The conversation above, writing below."""
        yield Transcript(tinted=self._tinted)
        with Vertical(id="desk"):
            yield Notices()
            yield Static("", markup=False, classes="hint")
            yield Composer()
            yield StatusLine()

    def on_mount(self) -> None:
        """The model is loaded once the first frame is out."""
        self._show_state()
        self.query_one(Transcript).follow()
        self.set_interval(1 / FRAMES_PER_SECOND, self._repaint)
        self.call_after_refresh(self._start_once)

    async def on_screen_suspend(self) -> None:
        """Another screen covers this one, as the editor of a named file does: no frame of it comes any more."""
        await self._start_once()

    async def _start_once(self) -> None:
        if not self._started:
            self._started = True
            await self._start()

    async def _start(self) -> None:
        """The first frame is out: the model is loaded, and meanwhile what an answer will need."""
        self.load_model()
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()

    def _progressed(self, frame: Frame) -> None:
        """For those who keep the conversation: called with each repaint, also with those that brought nothing."""

    def on_resize(self) -> None:
        """A narrow screen has room for fewer words."""
        self.call_after_refresh(self._show_state)

    # The model

    def load_model(self) -> None:
        """Loads the model, or loads it again after its process died."""
        self._adapter.loading()
        self._session.load()
        self._show_state()

    def use_model(self, name: str, when_loaded: Callable[[], object] | None = None) -> None:
        """Another model in this conversation; the process of the one before ends, and with it goes its memory.

        ``when_loaded`` is called once it can be asked.
        """
        self._when_loaded = when_loaded
        self._adapter.loading()
        self._session.switch(partial(self._open_named, name))
        self._show_state()

    def unload_model(self) -> None:
        """Frees the model's memory; the next message loads it again."""
        self._session.unload()
        self.hint("The model is unloaded. Enter loads it again.")

    def use_settings(self, settings: Settings) -> None:
        """From the next message on."""
        self._settings = settings
        self.follow_settings()
        self._tinted = settings.tint
        if self.is_mounted:
            self.query_one(Transcript).tint(settings.tint)

    @property
    def in_force(self) -> InForce:
        """The settings as they hold in this chat."""
        return InForce(self._settings, self.state.chat.own)

    def follow_settings(self) -> None:
        """What is asked next is asked as the chat on the screen has it."""
        self._adapter.sampling = self.in_force.sampling(CHAT_SAMPLING)
        self._adapter.system = self.in_force.system

    async def _repaint(self) -> None:
        frame = Frame()
        if reports := self._session.drain():
            frame = self._adapter.receive(reports, monotonic())
            await self._show(frame)
        self._progressed(frame)

    async def _show(self, frame: Frame) -> None:
        answer = self._answer
        if answer is not None:
            for notice in frame.notices:
                answer.notice(notice)
            if frame.text:
                answer.write(frame.text, frame.sources)
        else:
            for notice in frame.notices:
                self.notify(notice, markup=False)
        if frame.finished:
            await self._close_answer()
        if frame.failure:
            await self._fail(frame.failure)
        if frame.loaded:
            await self._forget_failures()
            self._loaded()
            self._begin()
        self._show_state()

    async def _forget_failures(self) -> None:
        """What said that there was no model is untrue now."""
        for panel in self.query(FailurePanel):
            if panel.failure.can_restart:
                await panel.remove()

    def _loaded(self) -> None:
        from spectra_local.catalogue.naming import name_of  # 20 ms that the first frame can spare
        from spectra_local.catalogue.on_disk import notice_of

        model, when_loaded = self.state.model, self._when_loaded
        self._when_loaded = None
        if model.info is not None:
            model.name = name_of(model.info.path, model.info.name)
            if words := notice_of(Path(model.info.path)):
                self.notify(words, markup=False, timeout=15)
        if when_loaded is not None:
            when_loaded()

    def _begin(self) -> None:
        """Sends the open answer's request if the model is free; otherwise it stays queued."""
        if request := self._adapter.begin():
            self._session.ask(request)

    async def _close_answer(self) -> None:
        answer, self._answer = self._answer, None
        turn = self.state.chat.last("assistant")
        if answer is not None and turn is not None:
            await answer.finish(footnote(turn))
            await self.query_one(Transcript).shorten(self.state.chat.turns, turn_widget)

    async def _fail(self, failure: Failure) -> None:
        from spectra_local.catalogue import NoModelError

        if not isinstance(failure.error, NoModelError):
            await self._show_failure(failure)
            return
        from tui.screens.fetch import FetchScreen  # a model must be chosen, and perhaps fetched

        async def chosen(choice: "Choice | None") -> None:
            if choice is None:
                await self._show_failure(replace(failure, title="No model yet", declined=True))
            elif choice.path is None:
                self.load_model()  # it is found on the disk now
            else:
                self.use_found(choice.path)

        await self.app.push_screen(FetchScreen(failure.error.choices), chosen)

    def use_found(self, path: Path) -> None:
        """A model of another program's: it is the default from now on because the user chose it."""
        self.use_model(str(path))

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
        if failure.returned:
            transcript.query(Question).last().add_class("-failed")
            self.take_back(failure.returned)
        await transcript.add(FailurePanel(failure))

    def take_back(self, text: str) -> None:
        """A message that was not answered goes back into the box."""
        self.query_one(Composer).give_back(text)

    async def _restart(self) -> None:
        await self.query(FailurePanel).remove()
        if not self.query_one(Transcript).items:
            await self.query_one(Transcript).clear()  # the welcome again
        self.query_one(Composer).focus()
        self.load_model()

    # Answers

    async def _open_answer(self) -> None:
        from tui.widgets.answer import Answer  # the Markdown parser is 45 ms of imports that the first frame can spare

        self._answer = Answer()
        await self.query_one(Transcript).add(self._answer)
        self._begin()
        self._show_state()

    # What is shown around the text

    def hint(self, words: str | Content, seconds: float = 3) -> None:
        """One line above the input box for a while."""
        self.query_one(".hint", Static).update(words)
        self.add_class("-hinting")
        if self._hint_timer is not None:
            self._hint_timer.stop()
        self._hint_timer = self.set_timer(seconds, self.end_hint)

    def end_hint(self) -> None:
        """What the line said holds no more."""
        self.remove_class("-hinting")

    def show_beside(self, words: str) -> None:
        """What is done beside the chat, as "corpus docs 12%", shown while the model rests; "" for nothing."""
        self.state.beside = words
        self._show_state()

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


def _warm_up() -> None:
    """The parser of Markdown and the likeliest lexer: 0.2 s that the first frame can spare, and that an answer of a
    hundred tokens would pay for with a tenth of its speed."""
    from textual.highlight import highlight

    import tui.widgets.answer  # noqa: F401
    from tui.widgets.markdown.blocks import parse

    parse("`warm` **up**\n\n- a\n\n|a|\n|-|\n")
    highlight("x = 1", language="python")


def _waiting_words(phase: Phase, progress: str) -> str:
    match phase:
        case Phase.LOADING:
            return "Waiting for the model to load. esc takes the message back."
        case Phase.READING:
            return progress.capitalize()
        case _:
            return ""
