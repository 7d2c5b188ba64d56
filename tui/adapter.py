"""From engine events to display state: the only place where text of a model becomes text of a screen.

Knows nothing of widgets and of threads. Everything that leaves here for a widget has gone through ``printable``.
"""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field, replace

from spectra_local.chats.records import Attachment, conversation_name
from spectra_local.errors import ContextFullError, SpectraError, WorkerError
from spectra_local.printable import printable, printable_line
from spectra_local.protocol import (
    LONGEST_ANSWER,
    OWN,
    Done,
    Event,
    FinishReason,
    LoadProgress,
    Message,
    ModelInfo,
    Notice,
    PromptProgress,
    Request,
    Sampling,
    Text,
)
from tui.meter import Meter
from tui.state import Chat, ModelState, Outcome, Phase, State, Turn

CHAT_SAMPLING = Sampling()  # greedy, as `ask` draws: a repeat penalty of 1.05 cost small models right answers
# Greedy decoding gives the same answer again, so another try draws: warm enough to differ, with the tail cut off.
RETRY_SAMPLING = Sampling(temperature=0.7, min_p=0.05, dry_multiplier=0.8)

_OUTCOMES: dict[FinishReason, Outcome] = {
    "stop": Outcome.COMPLETE,
    "length": Outcome.LENGTH,
    "context": Outcome.CONTEXT,
    "cancelled": Outcome.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The model was freed because the user wanted it so."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Loading or answering ended in an error; ``loaded`` tells whether the model can still be asked."""

    error: Exception
    loaded: bool


Report = Event | Loaded | Unloaded | Failed


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words, ready to be shown. ``returned`` is a message of the user's that goes back to the input."""

    error: Exception
    title: str
    text: str
    can_restart: bool
    _: KW_ONLY
    returned: str = ""
    declined: bool = False  # the user chose so: nothing failed
    waiting: bool = False  # a question stays asked, for the model that comes next


@dataclass(slots=True)
class Frame:
    """What changed since the last repaint."""

    text: str = ""  # fresh text of the answer, printable
    sources: str = ""  # what each character of it came from
    notices: list[str] = field(default_factory=list)
    loaded: bool = False
    _: KW_ONLY
    finished: bool = False
    failure: Failure | None = None


class Adapter:
    """Applies what the user does and what the engine reports to a ``State``."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sampling = CHAT_SAMPLING
        self.system = ""  # text of the system prompt

    def new_chat(self, chat: Chat | None = None) -> None:
        """Another conversation, an empty one if none is given; the model stays."""
        self.state.chat = chat or Chat()
        self.state.model.n_past = 0
        self.state.model.timings, self.state.model.tokens_per_second = None, 0.0
        self._settle()

    def ask(self, text: str, files: tuple[Attachment, ...] = ()) -> None:
        """The user's message and the answer it waits for are added to the conversation."""
        self.state.chat.turns += [
            Turn("user", text, files=files),
            Turn("assistant", outcome=Outcome.OPEN, sampling=self.sampling),
        ]

    def withdraw(self) -> Turn:
        """Takes back the message that waits for the model, and returns it."""
        self.state.chat.turns.pop()
        return self.state.chat.turns.pop()

    def continue_answer(self) -> bool:
        """Opens the last answer again where it was stopped or cut off. False: there is none of that kind."""
        chat = self.state.chat
        answer = chat.turns[-1] if chat.turns else None
        if self.state.model.busy or answer is None or not answer.continuable:
            return False
        answer.outcome = Outcome.OPEN
        return True

    def leave_answer(self) -> None:
        """An answer that waits to be continued stays as it was."""
        if answer := self.state.chat.open_answer():
            answer.outcome = Outcome.STOPPED

    def rewind(self, index: int) -> None:
        """Leaves this branch before turn ``index``: what is asked next begins another one."""
        del self.state.chat.turns[index:]

    def retry(self, seed: int) -> bool:
        """Drops the last answer and opens another one, drawn instead of greedy. False: there is none to try again."""
        chat = self.state.chat
        if self.state.model.busy or chat.open_answer() or not any(turn.role == "user" for turn in chat.turns):
            return False
        while chat.turns[-1].role == "assistant":
            chat.turns.pop()
        if chat.turns[-1].outcome is Outcome.FAILED:
            return False
        chat.turns.append(
            Turn("assistant", outcome=Outcome.OPEN, sampling=replace(RETRY_SAMPLING, seed=seed), is_retry=True)
        )
        return True

    def begin(self) -> Request | None:
        """The request of the open answer, if there is one and the model is free; from now on it is being read."""
        model, answer = self.state.model, self.state.chat.open_answer()
        if answer is None or model.phase is not Phase.IDLE:
            return None
        model.phase = Phase.READING
        model.prompt_done = model.prompt_total = 0
        model.meter, model.tokens_per_second, model.speedup, model.timings = Meter(), 0.0, 0.0, None
        system = (Message("system", self.system),) if self.system else ()
        chat = self.state.chat
        return Request(
            messages=(*system, *chat.messages()),
            sampling=answer.sampling,
            max_tokens=LONGEST_ANSWER,
            end_loops=True,
            conversation=None if chat.id is None else conversation_name(chat.id),
            learn=not chat.incognito and chat.id is not None,  # what is learned must be forgotten with its chat
        )

    def stopping(self) -> None:
        """The user asked the running answer to end."""
        self.state.model.phase = Phase.STOPPING

    def loading(self) -> None:
        """The model is loaded, again or for the first time."""
        self.state.model = ModelState()

    def receive(self, reports: Iterable[Report], now: float) -> Frame:
        """Applies reports in order; ``now`` is seconds on a monotonic clock. Text is gathered into one piece."""
        frame = Frame()
        for report in reports:
            if isinstance(report, Text):
                self._write(report, frame, now)
            else:
                self._apply(report, frame)
        return frame

    def _write(self, piece: Text, frame: Frame, now: float) -> None:
        if answer := self.state.chat.open_answer():
            sources = piece.sources or OWN * len(piece.text)
            answer.sources = answer.sources.ljust(len(answer.text), OWN) + sources  # shorter where one is continued
            answer.text += piece.text
            frame.text += printable(piece.text)  # of the same length
            frame.sources += sources
        self._count(piece, now)

    def _apply(self, report: Report, frame: Frame) -> None:
        model = self.state.model
        match report:
            case LoadProgress(fraction, doing):
                model.load_fraction, model.load_doing = fraction, printable_line(doing)
            case Loaded(info):
                model.phase, model.info, model.n_ctx = Phase.IDLE, info, info.n_ctx
                frame.loaded = True
            case Unloaded():
                model.phase, model.info = Phase.DOWN, None
            case PromptProgress(done, total, reused):
                model.prompt_done, model.prompt_total = done, total
                model.n_past = reused + done
            case Notice(text):
                frame.notices.append(printable_line(text))
                if answer := self.state.chat.open_answer():
                    answer.notices.append(text)
            case Done():
                self._finish(report)
                frame.finished = True
            case Failed(error, loaded):
                frame.failure = self._fail(error, loaded)

    def _count(self, piece: Text, now: float) -> None:
        model = self.state.model
        if model.phase is Phase.READING:
            model.phase = Phase.ANSWERING
        model.meter.count(now, piece.n_tokens, piece.cost)
        model.tokens_per_second, model.speedup = model.meter.rate, model.meter.speedup
        model.n_past += piece.n_tokens

    def _finish(self, done: Done) -> None:
        model = self.state.model
        if answer := self.state.chat.open_answer():
            answer.outcome = _OUTCOMES[done.finish_reason]
            answer.timings = done.timings
        model.timings = done.timings
        model.n_answers += 1
        model.speedup = 0.0
        model.tokens_per_second = done.timings.predicted_per_second or model.tokens_per_second
        if done.n_ctx:
            model.n_past, model.n_ctx = done.n_past, done.n_ctx
        self._settle()

    def _fail(self, error: Exception, loaded: bool) -> Failure:
        chat, model = self.state.chat, self.state.model
        returned = ""
        if (answer := chat.open_answer()) and loaded:
            # The model is well, so the message is at fault: it goes back to the input and is not sent again.
            answer.outcome = Outcome.CUT if answer.text else Outcome.FAILED
            question = chat.last("user")
            if isinstance(error, SpectraError) and question and not answer.text:
                question.outcome = Outcome.FAILED
                returned = question.text
        elif answer and answer.text:
            answer.outcome = Outcome.CUT
        model.phase = Phase.IDLE if loaded else Phase.DOWN
        waiting = not loaded and answer is not None and not answer.text
        return replace(failure_of(error, can_restart=not loaded, returned=returned), waiting=waiting)

    def _settle(self) -> None:
        """Back to rest after a request; a model that is loading or down stays so."""
        if self.state.model.busy:
            self.state.model.phase = Phase.IDLE


def failure_of(error: Exception, *, can_restart: bool, returned: str = "") -> Failure:
    """An error as a panel shows it. One that is not of our family is a bug: its name helps whoever reports it."""
    text = printable(str(error))
    if isinstance(error, WorkerError):
        title = "The model's process ended"
    elif isinstance(error, ContextFullError):
        title = "Too long for this model"
    elif isinstance(error, SpectraError):
        title = "The model could not be loaded" if can_restart else "No answer"
    else:
        title, text = "Something unexpected went wrong", f"{type(error).__name__}: {text}".rstrip(": ")
    return Failure(error, title, text, can_restart, returned=returned)
