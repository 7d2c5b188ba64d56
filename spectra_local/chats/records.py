"""Chats and messages as they are kept. Knows nothing of SQL and of screens."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

Speaker = Literal["user", "assistant"]
OPEN = "open"  # the outcome of a message that is being written
FORGOTTEN = "(forgotten)"  # what stands where a message was that its owner wanted gone
DAMAGED = "(damaged on disk: 'spectra-chat history verify' tells more)"  # what stands where one cannot be trusted
NOTHING_CHOSEN = "{}"  # the own settings of a chat that has none, as JSON
UNREADABLE = ""  # what stands in place of those that cannot be trusted: no JSON, so that whoever reads it says so

_TITLE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that went with a message."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """One message. ``parent`` is the one it answers, None for the first."""

    id: int
    parent: int | None
    role: Speaker
    text: str
    _: KW_ONLY
    outcome: str = "complete"
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedChat:
    """A chat along one branch, oldest message first."""

    id: int
    title: str
    draft: str = ""
    messages: tuple[SavedMessage, ...] = ()
    _: KW_ONLY
    own: str = NOTHING_CHOSEN  # settings that hold in it alone


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A line of the list. ``changed`` is seconds since 1970."""

    id: int
    title: str
    changed: float
    n_messages: int


@dataclass(frozen=True, slots=True)
class Hit:
    """Where the words of a search stand; ``message`` is None where the title has them."""

    chat: int
    title: str
    changed: float
    message: int | None = None
    _: KW_ONLY
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """A chat with all its branches, as it is exported and imported; parents come before their children."""

    title: str
    messages: tuple[SavedMessage, ...] = ()
    leaf: int | None = None
    draft: str = field(default="", compare=False)
    _: KW_ONLY
    own: str = NOTHING_CHOSEN  # settings that hold in it alone


def title_of(text: str) -> str:
    """The first words of the first message: there at once, and good enough to find a chat by."""
    line = " ".join(text.split())
    if len(line) <= _TITLE_CHARACTERS:
        return line
    cut = line.rfind(" ", _TITLE_CHARACTERS // 2, _TITLE_CHARACTERS)
    return line[: cut if cut > 0 else _TITLE_CHARACTERS] + "…"


def conversation_name(chat: int) -> str:
    """Under which the history keeps the turns of a saved chat, so that they are forgotten with it."""
    return f"chat-{chat}"
