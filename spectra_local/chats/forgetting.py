"""Forgetting everywhere: turns that are learned from, saved chats, and whatever was derived from either.

A message that is to go leaves its place, so that the conversation around it stays readable; a chat of which nothing
stays goes altogether.
"""

import contextlib
import json
import sqlite3
from dataclasses import KW_ONLY, dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.chat_settings import from_json
from spectra_local.chats.checks import mend_chat, seal_chat, seal_message
from spectra_local.chats.records import FORGOTTEN, NOTHING_CHOSEN, OPEN, conversation_name
from spectra_local.chats.words import delete_chat, index, merge, unindex
from spectra_local.counted import counted
from spectra_local.errors import StoreError
from spectra_local.history import traces as history
from spectra_local.history.database import Database, store_files
from spectra_local.history.forgetting import Forget, delete_turns
from spectra_local.locations import unsaved_dir
from spectra_local.speculation import traces as speculation

if TYPE_CHECKING:
    from spectra_local.history.store import Store


@dataclass(frozen=True, slots=True)
class Gone:
    """How much was, or would be, erased."""

    turns: int  # that are learned from, corpora aside
    chats: int  # whole ones
    messages: int  # of chats that stay
    copies: int  # files of the database from before a migration or a salvage: nobody can look into each of them
    _: KW_ONLY
    layers: int = 0  # imports and corpora as such, where everything goes
    unsaved: int = 0  # texts of files in the editor
    corpus_texts: int = 0
    chosen: int = 0  # settings of chats that stay

    @property
    def is_empty(self) -> bool:
        """Nothing that was said fitted."""
        return not (self.turns or self.chats or self.messages or self.corpus_texts or self.chosen)

    def __str__(self) -> str:
        """In words, for people."""
        parts = [
            (self.turns, "learned turn", ""),
            (self.corpus_texts, "text of a corpus", "texts of corpora"),
            (self.chats, "saved chat", ""),
            (self.messages, "message", ""),
            (self.chosen, "system prompt of a chat", "system prompts of chats"),
            (self.layers, "import or corpus", "imports and corpora"),
            (self.unsaved, "unsaved text", ""),
            (self.copies, "old copy of the database", "old copies of the database"),
        ]
        return ", ".join(counted(n, one, more) for n, one, more in parts if n) or "nothing"


def preview(database: Database, what: Forget) -> Gone:
    """What ``forget`` would erase. Raises StoreError."""
    gone = Gone(0, 0, 0, 0)
    with contextlib.suppress(_UndoneError), database.transaction() as sql:
        gone = _delete(sql, database, what)
        raise _UndoneError
    return gone


def forget(database: Database, what: Forget) -> Gone:
    """Erases it from rows, full-text index, free pages, log, index segments, statistics and copies.

    Raises StoreError, also where another program holds on to the log: then the rows are gone, and forgetting again
    finishes the work.
    """
    from spectra_local.history.store import Store  # numpy is not needed for the app's first frame

    with database.transaction() as sql:
        gone = _delete(sql, database, what)
        merge(sql)
    Store(database).erase_deleted()
    speculation.erase_traces(measurements=what.everything)
    for file in _unsaved(what):
        with contextlib.suppress(OSError):
            file.unlink()
    return gone


def remove_layer(store: "Store", name: str) -> int:
    """Erases an import or a corpus, and what was derived from it; returns how many turns it had. Raises StoreError."""
    n_turns = store.remove_layer(name)
    speculation.erase_traces()
    return n_turns


def forget_everything(database: Database | None = None) -> None:
    """Erases the files themselves: for damage, or a disk so full that rows cannot be erased. Raises StoreError."""
    if database:
        database.close()
    try:
        for file in store_files():
            file.unlink(missing_ok=True)
        history.erase_traces()
        speculation.erase_traces(measurements=True)
        for file in _unsaved(Forget(everything=True)):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"it cannot be erased: {error.filename}: {error.strerror}") from error


class _UndoneError(Exception):
    """Takes a preview's changes back."""


def _delete(sql: sqlite3.Connection, database: Database, what: Forget) -> Gone:
    layers = sql.execute("SELECT COUNT(*) FROM layers WHERE id <> 1").fetchone()[0] if what.everything else 0
    turns, corpus_texts = delete_turns(sql, what)
    whole = blanked = chosen = 0
    for chat, title, named, draft, own, changed in sql.execute(
        "SELECT id, title, named, draft, own, changed FROM chats"
    ).fetchall():
        if what.conversation and what.conversation != conversation_name(chat):
            continue
        all_of_it = what.containing is None and (what.before is None or changed < what.before)
        places, first_gone, any_left = _messages(sql, chat, what) if not all_of_it else ([], True, False)
        keeps_draft = bool(draft) and (what.containing is None or not what.fits(draft))
        if all_of_it or (places and not any_left and not keeps_draft):
            delete_chat(sql, chat)
            whole += 1
            continue
        mend_chat(sql, chat)
        for message in places:
            _blank(sql, message)
        blanked += len(places)
        if what.containing is not None and not keeps_draft:
            sql.execute("UPDATE chats SET draft = '' WHERE id = ?", (chat,))
        if what.containing is not None and what.fits(*_chosen(own)):
            sql.execute("UPDATE chats SET own = ? WHERE id = ?", (NOTHING_CHOSEN, chat))
            chosen += 1
        if (what.containing is not None and what.fits(title)) or (places and first_gone and not named):
            sql.execute("UPDATE chats SET title = ? WHERE id = ?", (FORGOTTEN, chat))
        seal_chat(sql, chat)
    return Gone(
        turns,
        whole,
        blanked,
        len(database.copies()),
        layers=layers,
        unsaved=len(_unsaved(what)),
        corpus_texts=corpus_texts,
        chosen=chosen,
    )


def _unsaved(what: Forget) -> list[Path]:
    """What the editor keeps of files that were not saved; one that cannot be read may hold anything."""
    if what.conversation or not unsaved_dir().is_dir():
        return []
    return [file for file in unsaved_dir().glob("*.json") if _goes(file, what)]


def _goes(file: Path, what: Forget) -> bool:
    try:
        record = json.loads(file.read_bytes())
        before = inf if what.before is None else what.before
        return what.everything or (what.fits(str(record["text"])) and float(record["kept"]) < before)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True


def _messages(sql: sqlite3.Connection, chat: int, what: Forget) -> tuple[list[int], bool, bool]:
    """Ids of the messages that go, whether the first one does, and whether one stays."""
    going, first_gone, any_left = [], False, False
    rows = sql.execute(
        "SELECT id, parent, text, files, created, outcome FROM messages WHERE chat = ? ORDER BY id", (chat,)
    )
    for message, parent, text, files, created, outcome in rows:
        being_answered = outcome == OPEN and parent in going
        fits = (what.before is None or created < what.before) and what.fits(text, *_texts(files))
        if fits or being_answered:
            if text != FORGOTTEN:
                going.append(message)
            first_gone |= parent is None
        elif text != FORGOTTEN:
            any_left = True
    return going, first_gone, any_left


def _texts(files: str) -> list[str]:
    """Names and contents of a message's files; where they are damaged, the field as it is."""
    try:
        return [str(part) for file in json.loads(files) for part in file]
    except (ValueError, TypeError):
        return [files]


def _chosen(own: str) -> list[str]:
    """The texts in a chat's own settings; of what is not written as this program does it, all that is there."""
    chosen, _ = from_json(own)
    return [chosen.system or "", chosen.preset] if chosen.to_json() == own else [own, *_strings(own)]


def _strings(text: str) -> list[str]:
    """Every text and every key in some JSON; none where it is none."""
    try:
        left, found = [json.loads(text)], list[str]()
    except (ValueError, RecursionError):
        return []
    while left:
        part = left.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, dict | list):
            left += part
            left += part.values() if isinstance(part, dict) else []
    return found


def _blank(sql: sqlite3.Connection, message: int) -> None:
    unindex(sql, "id = ?", message)
    sql.execute("UPDATE messages SET text = ?, files = '[]' WHERE id = ?", (FORGOTTEN, message))
    seal_message(sql, message)
    index(sql, message)
