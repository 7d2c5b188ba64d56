"""What the app knows: a conversation and the condition of its model, as plain data.

Knows nothing of widgets, threads or files; a store of chats can be put under ``Chat`` without touching a screen.
"""

from dataclasses import KW_ONLY, dataclass, field
from enum import Enum

from spectra_local.chat_settings import ChatSettings
from spectra_local.chats.attachments import with_files
from spectra_local.chats.records import NOTHING_CHOSEN, Attachment
from spectra_local.protocol import LOADING, Message, ModelInfo, Role, Sampling, Timings
from tui.meter import Meter


class Phase(Enum):
    """What the model is doing, as far as the user can tell."""

    LOADING = "loading"
    IDLE = "ready"
    READING = "reading"  # prefill of a prompt
    ANSWERING = "answering"
    STOPPING = "stopping"
    DOWN = "not running"  # never loaded, or its process died


class Outcome(Enum):
    """How a turn came to its end, or that it has not."""

    OPEN = "open"
    COMPLETE = "complete"
    STOPPED = "stopped"  # by the user; what had come is kept
    CUT = "cut"  # by the end of the model's process
    LENGTH = "length"
    CONTEXT = "context"
    FAILED = "failed"


UNFINISHED = frozenset({Outcome.STOPPED, Outcome.CUT, Outcome.LENGTH})
BUSY_PHASES = frozenset({Phase.READING, Phase.ANSWERING, Phase.STOPPING})


@dataclass(slots=True)
class Turn:
    """One message of the conversation. ``text`` is exactly what was written; screens show it through ``printable``."""

    role: Role
    text: str = ""
    outcome: Outcome = Outcome.COMPLETE
    sampling: Sampling = field(default_factory=Sampling)
    _: KW_ONLY
    is_retry: bool = False  # asked again for another answer, which is drawn where the first was not
    notices: list[str] = field(default_factory=list)
    timings: Timings | None = None
    sources: str = ""  # as long as the text where anything is known: what its characters came from, as protocol codes
    files: tuple[Attachment, ...] = ()
    row: int | None = None  # in the store, once it is saved
    place: tuple[int, int] = (1, 1)  # which branch of how many it is on, among those that answer the same
    saved: tuple[int, Outcome] | None = None  # length and outcome as they are in the store

    @property
    def continuable(self) -> bool:
        """An answer with an end that the model did not choose."""
        return self.role == "assistant" and bool(self.text) and self.outcome in UNFINISHED

    @property
    def content(self) -> str:
        """What the model is sent."""
        return with_files(self.text, self.files) if self.files else self.text


@dataclass(slots=True)
class Chat:
    """A conversation in order. The last turn is the assistant's while it answers."""

    turns: list[Turn] = field(default_factory=list)
    id: int | None = None  # in the store, once it is saved
    title: str = ""
    titled: bool = False  # by the user or by the model, rather than by its first words
    _: KW_ONLY
    incognito: bool = False  # never saved
    own: ChatSettings = field(default_factory=ChatSettings)  # what was chosen for this chat alone
    notices: list[str] = field(default_factory=list)  # of what could not be used when it was opened
    saved_own: str = NOTHING_CHOSEN  # as it is in the store

    def messages(self) -> tuple[Message, ...]:
        """What the model is sent: all that was said, without turns that failed or are still empty."""
        return tuple(Message(t.role, t.content) for t in self.turns if t.text and t.outcome is not Outcome.FAILED)

    def last(self, role: Role) -> Turn | None:
        """The newest turn of that role."""
        return next((turn for turn in reversed(self.turns) if turn.role == role), None)

    def open_answer(self) -> Turn | None:
        """The answer that is being written or waited for."""
        turn = self.turns[-1] if self.turns else None
        return turn if turn and turn.role == "assistant" and turn.outcome is Outcome.OPEN else None


@dataclass(slots=True)
class ModelState:
    """The model as the status line shows it."""

    phase: Phase = Phase.LOADING
    info: ModelInfo | None = None
    name: str = ""  # what the user knows it by
    load_fraction: float = 0.0
    _: KW_ONLY
    load_doing: str = LOADING
    prompt_done: int = 0  # tokens of the prompt evaluated so far
    prompt_total: int = 0
    n_past: int = 0  # tokens in the context
    n_ctx: int = 0
    meter: Meter = field(default_factory=Meter)  # of the answer now being written
    tokens_per_second: float = 0.0  # lately, while an answer comes; then of the whole answer
    speedup: float = 0.0  # lately, against plain decoding by the cost curve; 0: unknown, or nothing is being written
    timings: Timings | None = None  # of the last answer
    n_answers: int = 0  # since it was loaded

    @property
    def busy(self) -> bool:
        """A request is under way."""
        return self.phase in BUSY_PHASES


@dataclass(slots=True)
class State:
    """Everything a screen is drawn from."""

    chat: Chat = field(default_factory=Chat)
    model: ModelState = field(default_factory=ModelState)
    beside: str = ""  # what is done beside the chat, in words
