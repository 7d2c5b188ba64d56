"""Between the conversation on the screen and the chats on the disk. Knows nothing of widgets.

The conversation goes on where nothing can be saved: trouble is told once, and what is missing is written with the next
save that works. An incognito chat never comes here.
"""

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.chat_settings import from_json
from spectra_local.chats.records import (
    ChatSummary,
    Hit,
    SavedChat,
    SavedMessage,
    Speaker,
    Tree,
    conversation_name,
    title_of,
)
from spectra_local.errors import StoreError
from tui.state import Chat, Outcome, Turn

if TYPE_CHECKING:  # SQLite, and all that needs it, is 15 ms that the first frame can spare
    from spectra_local.chats.store import ChatStore
    from spectra_local.history.database import Database
    from spectra_local.history.statistics import Statistics

# How long a save waits for another program that writes: the screen stands still meanwhile, and saves again soon.
_BUSY_S = 0.1

_MOST_NOTICES = 3  # of what cannot be used in a chat; a hostile file could make any number


class Archive:
    """Opens the database on first use. Methods that read or delete raise StoreError; ``save`` tells by its result."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._database: Database | None = None
        self._told = ""
        self._noticed = False
        self._busy = threading.Lock()
        self._opening = threading.Lock()
        self._deleted: set[int] = set()

    @property
    def store(self) -> "ChatStore":
        """The chats."""
        from spectra_local.chats.store import ChatStore

        return ChatStore(self._opened())

    def _opened(self) -> "Database":
        with self._opening:
            if self._database is None:
                from spectra_local.history.database import Database

                self._database = Database(self._path)
                self._database.wait_for_writers(_BUSY_S)
            return self._database

    def notice(self) -> str:
        """What the user should know of the database, once: that it was damaged, that it can only be read."""
        if self._database is None or not self._database.notice or self._noticed:
            return ""
        self._noticed = True
        return self._database.notice

    def close(self) -> None:
        """Lets go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    # --- the conversation on the screen --------------------------------------------------------------------------

    def save(self, chat: Chat, draft: str | None = None) -> str:
        """Writes what is new or has changed, and what is typed; returns trouble in words, once for each kind."""
        if chat.incognito or chat.id in self._deleted:
            return ""
        try:
            if chat.turns:
                self._write(chat)
            if draft is not None:
                self.keep_draft(chat, draft)
            self._choose(chat)
        except StoreError as error:
            words = f"This chat is not being saved: {error}"
            told, self._told = self._told, words
            return "" if told == words else words
        self._told = ""
        return ""

    def _write(self, chat: Chat) -> None:
        store = self.store
        if chat.id is None:
            chat.id = store.create(title_of(chat.turns[0].text))
        elif not chat.title:
            store.rename(chat.id, title_of(chat.turns[0].text), by_user=False)
        chat.title = chat.title or title_of(chat.turns[0].text)
        parent = None
        for turn in chat.turns:
            if turn.row is None:
                role: Speaker = "user" if turn.role == "user" else "assistant"
                turn.row = store.add(chat.id, parent, role, turn.text, outcome=turn.outcome.value, files=turn.files)
                turn.saved = (len(turn.text), turn.outcome)
                n = len(store.siblings(turn.row))
                turn.place = (n, n)
            elif turn.saved != (len(turn.text), turn.outcome):
                store.update(turn.row, turn.text, turn.outcome.value)
                turn.saved = (len(turn.text), turn.outcome)
            parent = turn.row

    def _choose(self, chat: Chat) -> None:
        """What was chosen for it alone. A chat that is nothing yet is not begun for that."""
        own = chat.own.to_json()
        if chat.id is None or own == chat.saved_own:
            return
        if not self.store.choose(chat.id, own, before=chat.saved_own):
            chat.own = chat.own.since(from_json(chat.saved_own)[0])
            own = chat.own.to_json()
            self.store.choose(chat.id, own)
        chat.saved_own = own

    def keep_draft(self, chat: Chat, text: str) -> None:
        """What is typed and not sent; a chat without messages is begun for it. Raises StoreError."""
        if chat.incognito or (chat.id is None and not text.strip()):
            return
        if chat.id is None:
            chat.id = self.store.create(title_of(text))
        self.store.keep_draft(chat.id, text)

    def withdrawn(self, turn: Turn) -> None:
        """A message was taken back before it was answered. Raises StoreError."""
        if turn.row is not None:
            self.store.remove_message(turn.row)

    # --- other conversations -------------------------------------------------------------------------------------

    def open(self, chat: int, message: int | None = None) -> tuple[Chat, str] | None:
        """A saved chat and its draft, along the branch that has ``message``; None: it is gone. Raises StoreError."""
        saved = self.store.load(chat, message)
        if saved is None:
            return None
        conversation, places = conversation_of(saved), self.store.places(chat)
        for turn in conversation.turns:
            turn.place = places.get(turn.row or 0, (1, 1))
        return conversation, saved.draft

    def branch_beside(self, turn: Turn, step: int) -> int | None:
        """The row of the message ``step`` branches further at the place of ``turn``; None: there is none."""
        if turn.row is None:
            return None
        rows = self.store.siblings(turn.row)
        at = rows.index(turn.row) + step if turn.row in rows else -1
        return rows[at] if 0 <= at < len(rows) else None

    def show_branch(self, chat: Chat) -> None:
        """The branch on the screen is the one that is opened next time. Raises StoreError."""
        if chat.id is not None and chat.turns:
            self.store.show(chat.id, chat.turns[-1].row)

    def latest(self) -> tuple[Chat, str] | None:
        """Where one left off. Opens the file: call it in a thread, for a new version may have to convert it first."""
        with self._busy:
            chat = self.store.latest()
            return None if chat is None else self.open(chat)

    def unsaid(self) -> tuple[Chat, str] | None:
        """The chat that is but a draft. Raises StoreError."""
        chat = self.store.unsaid()
        return None if chat is None else self.open(chat)

    def delete(self, chat: int) -> None:
        """Deletes a chat for good, and what was learned from it. Raises StoreError.

        Takes a second for 100 MB: call it in a thread. It has a connection of its own; saves wait until it is done.
        """
        from spectra_local.chats.forgetting import forget
        from spectra_local.history.database import Database
        from spectra_local.history.forgetting import Forget

        self._deleted.add(chat)
        with self._busy, contextlib.closing(Database(self._path)) as database:
            forget(database, Forget(conversation=conversation_name(chat)))

    def settle(self) -> None:
        """Waits for that to end."""
        with self._busy:
            return

    @property
    def is_busy(self) -> bool:
        """Whether the file is being opened or a chat deleted, in a thread: nothing can be written then."""
        return self._busy.locked()

    def statistics(self) -> "Statistics":
        """What is kept and what it saved, from any thread; with a full history it takes its time."""
        from spectra_local.history.statistics import read_statistics  # numpy is not needed for the first frame

        return read_statistics(self._path)

    def chats(self, limit: int) -> list[ChatSummary]:
        """Newest first."""
        return self.store.summaries(limit)

    def search(self, words: str) -> list[Hit]:
        """Chats and messages that have the words."""
        from spectra_local.chats.search import search

        return search(self._opened(), words)

    def tree(self, chat: Chat) -> Tree:
        """The chat with all its branches; of an incognito chat, what is on the screen."""
        if chat.id is not None:
            return self.store.tree(chat.id)
        turns = [turn for turn in chat.turns if turn.text]
        messages = tuple(_message(n, t) for n, t in enumerate(turns, 1))
        return Tree(title_of(turns[0].text) if turns else "", messages, len(turns) or None, own=chat.own.to_json())


def conversation_of(saved: SavedChat) -> Chat:
    """A saved chat as the screen has it. What was being written when a program ended counts as cut off."""
    turns = []
    for message in saved.messages:
        outcome = Outcome(message.outcome) if message.outcome in {o.value for o in Outcome} else Outcome.COMPLETE
        turn = Turn(message.role, message.text, Outcome.CUT if outcome is Outcome.OPEN else outcome)
        turn.files, turn.row, turn.saved = message.files, message.id, (len(message.text), outcome)
        turns.append(turn)
    own, notices = from_json(saved.own)
    return Chat(turns, id=saved.id, title=saved.title, own=own, saved_own=saved.own, notices=notices[:_MOST_NOTICES])


def _message(number: int, turn: Turn) -> SavedMessage:
    role: Speaker = "user" if turn.role == "user" else "assistant"
    return SavedMessage(number, number - 1 or None, role, turn.text, outcome=turn.outcome.value, files=turn.files)
