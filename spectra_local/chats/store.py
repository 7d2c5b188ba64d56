"""Chats in the one SQLite file: a row a message, branches by parents. Knows nothing of engines and of screens.

Each change is one transaction: what a call returned from survives kill -9. Raises StoreError.
"""

import json
import re
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from spectra_local.chats.checks import (
    CHAT_FIELDS,
    MESSAGE_FIELDS,
    mend_chat,
    seal_chat,
    seal_message,
    whole_chat,
    whole_message,
)
from spectra_local.chats.records import (
    DAMAGED,
    FORGOTTEN,
    NOTHING_CHOSEN,
    UNREADABLE,
    Attachment,
    ChatSummary,
    SavedChat,
    SavedMessage,
    Speaker,
    Tree,
)
from spectra_local.chats.words import delete_chat, index, unindex
from spectra_local.history.database import Database

_LONGEST_PROMPT = 20_000  # characters that can be recalled
_COLUMNS = ", ".join(MESSAGE_FIELDS)
_OF_CHAT = f"{', '.join(CHAT_FIELDS)}, checksum"
SAID = "EXISTS (SELECT 1 FROM messages WHERE chat = chats.id)"  # a chat in which something was said
_BRANCH = f"""
WITH RECURSIVE branch AS (
    SELECT * FROM messages WHERE id = ? AND chat = ?
    UNION ALL
    SELECT m.* FROM messages m JOIN branch ON m.id = branch.parent
)
SELECT {_COLUMNS}, checksum FROM branch
"""  # noqa: S608 - no value of a user's is in it


class ChatStore:
    """The chats of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- writing -----------------------------------------------------------------------------------------------

    def create(self, title: str) -> int:
        """A new chat without messages; its id."""
        now = time.time()
        with self._database.transaction() as sql:
            row = sql.execute("INSERT INTO chats (title, created, changed) VALUES (?, ?, ?)", (_clean(title), now, now))
            return seal_chat(sql, _id(row))

    def add(
        self,
        chat: int,
        parent: int | None,
        role: Speaker,
        text: str,
        *,
        outcome: str = "complete",
        files: Sequence[Attachment] = (),
    ) -> int:
        """A message at the end of the branch that ends with ``parent``, which is then the one shown; its id."""
        with self._database.transaction() as sql:
            message = _insert(sql, chat, parent, role, text, outcome, files)
            sql.execute("UPDATE chats SET leaf = ?, changed = ? WHERE id = ?", (message, time.time(), chat))
            return message

    def update(self, message: int, text: str, outcome: str) -> None:
        """More text of a message, or its end."""
        with self._database.transaction() as sql:
            if sql.execute("SELECT 1 FROM messages WHERE id = ? AND text = ?", (message, FORGOTTEN)).fetchone():
                return  # while it was being written
            unindex(sql, "id = ?", message)
            sql.execute("UPDATE messages SET text = ?, outcome = ? WHERE id = ?", (_clean(text), outcome, message))
            seal_message(sql, message)
            index(sql, message)

    def show(self, chat: int, leaf: int | None) -> None:
        """From now on the branch that ends with ``leaf`` is the one that is opened."""
        with self._database.transaction() as sql:
            sql.execute("UPDATE chats SET leaf = ? WHERE id = ?", (leaf, chat))

    def remove_message(self, message: int) -> None:
        """Takes a message away, and all that answers it; its parent is then shown."""
        with self._database.transaction() as sql:
            row = sql.execute("SELECT chat, parent FROM messages WHERE id = ?", (message,)).fetchone()
            if row is not None:
                below = [row[0] for row in sql.execute(
                    "WITH RECURSIVE below(id) AS (SELECT ? UNION ALL SELECT m.id FROM messages m JOIN below "
                    "ON m.parent = below.id) SELECT id FROM below", (message,))]  # fmt: skip
                for each in below:
                    unindex(sql, "id = ?", each)
                sql.execute("DELETE FROM messages WHERE id = ?", (message,))
                sql.execute("UPDATE chats SET leaf = ? WHERE id = ?", (row[1], row[0]))

    def rename(self, chat: int, title: str, *, by_user: bool = True) -> None:
        """Another title; one that the user chose is never changed by the program."""
        with self._database.transaction() as sql:
            mend_chat(sql, chat)
            sql.execute(
                "UPDATE chats SET title = ?, named = max(named, ?) WHERE id = ? AND named <= ?",
                (_clean(title), by_user, chat, by_user),
            )
            seal_chat(sql, chat)

    def keep_draft(self, chat: int, text: str) -> None:
        """What is typed and not sent."""
        with self._database.transaction() as sql:
            mend_chat(sql, chat)
            sql.execute("UPDATE chats SET draft = ? WHERE id = ?", (_clean(text), chat))
            seal_chat(sql, chat)

    def choose(self, chat: int, own: str, *, before: str = NOTHING_CHOSEN) -> bool:
        """Settings that hold in this chat alone, as JSON. False, and nothing is written, where they were ``before`` and
        are gone since: what another program forgot does not come back."""
        with self._database.transaction() as sql:
            now = sql.execute("SELECT own FROM chats WHERE id = ?", (chat,)).fetchone()
            if now == (NOTHING_CHOSEN,) and before not in (NOTHING_CHOSEN, UNREADABLE):
                return False
            mend_chat(sql, chat)
            sql.execute("UPDATE chats SET own = ? WHERE id = ?", (_clean(own), chat))
            seal_chat(sql, chat)
            return True

    def delete(self, chat: int) -> None:
        """Deletes a chat from the tables; chats/forgetting.py also from every file, with what was learned from it."""
        with self._database.transaction() as sql:
            delete_chat(sql, chat)

    def insert(self, tree: Tree) -> int:
        """A whole chat with all its branches, as a new one; its id."""
        now = time.time()
        with self._database.transaction() as sql:
            chat = _id(sql.execute(
                "INSERT INTO chats (title, named, created, changed, draft, own) VALUES (?, 1, ?, ?, ?, ?)",
                (_clean(tree.title), now, now, _clean(tree.draft), _clean(tree.own)),
            ))  # fmt: skip
            ids: dict[int | None, int | None] = {None: None}
            for m in tree.messages:
                ids[m.id] = _insert(sql, chat, ids[m.parent], m.role, m.text, m.outcome, m.files)
            sql.execute("UPDATE chats SET leaf = ? WHERE id = ?", (ids[tree.leaf], chat))
            return seal_chat(sql, chat)

    def duplicate(self, chat: int) -> int:
        """A copy with all branches; its id."""
        tree = self.tree(chat)
        return self.insert(Tree(f"{tree.title} (copy)", tree.messages, tree.leaf, tree.draft, own=tree.own))

    # --- reading -----------------------------------------------------------------------------------------------

    def latest(self) -> int | None:
        """The chat that changed last."""
        row = self._one("SELECT id FROM chats ORDER BY changed DESC, id DESC LIMIT 1")
        return None if row is None else int(row[0])

    def unsaid(self) -> int | None:
        """The newest chat in which nothing was said, but which has a draft."""
        row = self._one(f"SELECT id FROM chats WHERE draft <> '' AND NOT {SAID} ORDER BY id DESC LIMIT 1")  # noqa: S608
        return None if row is None else int(row[0])

    def load(self, chat: int, message: int | None = None) -> SavedChat | None:
        """The chat along the branch shown last, or along the newest one that has ``message``; None: it is gone."""
        found = self._chat(chat)
        if found is None:
            return None
        title, draft, own, leaf = found
        branch = self._branch(chat, leaf)
        if message is not None and all(m.id != message for m in branch):
            branch = self._branch(chat, self._newest_below(message))
        return SavedChat(chat, title, draft, tuple(branch), own=own)

    def siblings(self, message: int) -> list[int]:
        """The branches at this message: ids of all that answer the same parent, oldest first."""
        rows = self._all(
            "SELECT b.id FROM messages a JOIN messages b ON b.chat = a.chat AND b.parent IS a.parent "
            "AND b.role = a.role WHERE a.id = ? ORDER BY b.id",
            message,
        )
        return [row[0] for row in rows]

    def places(self, chat: int) -> dict[int, tuple[int, int]]:
        """For each message with siblings which of how many it is, counted from 1, oldest first."""
        siblings: dict[int | None, list[int]] = {}
        for message, parent in self._all("SELECT id, parent FROM messages WHERE chat = ? ORDER BY id", chat):
            siblings.setdefault(parent, []).append(message)
        return {
            message: (number, len(group))
            for group in siblings.values()
            if len(group) > 1
            for number, message in enumerate(group, 1)
        }

    def summaries(self, limit: int = -1) -> list[ChatSummary]:
        """Newest first, without what is but a draft; ``limit`` below 0: all."""
        rows = self._all(
            f"SELECT changed, (SELECT count(*) FROM messages WHERE chat = chats.id), {_OF_CHAT} "  # noqa: S608
            f"FROM chats WHERE {SAID} ORDER BY changed DESC, id DESC LIMIT ?",
            limit,
        )
        return [ChatSummary(chat[0], whole_chat(chat)[0], changed, n) for changed, n, *chat in rows]

    def titles(self, words: str, limit: int) -> list[str]:
        """Titles that have ``words`` in them, newest first."""
        like = "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"
        rows = self._all(
            f"SELECT {_OF_CHAT} FROM chats "  # noqa: S608
            f"WHERE title LIKE ? ESCAPE '\\' AND {SAID} ORDER BY changed DESC LIMIT ?",
            like,
            limit,
        )
        return [title for title in dict.fromkeys(whole_chat(row)[0] for row in rows) if title != DAMAGED]

    def prompts(self, limit: int) -> list[str]:
        """What the user asked last, oldest first, each text once; what is longer than anybody types is left out."""
        rows = self._all(
            f"SELECT {_COLUMNS}, checksum FROM messages "  # noqa: S608
            "WHERE role = 'user' AND length(text) <= ? ORDER BY id DESC LIMIT ?",
            _LONGEST_PROMPT,
            limit,
        )
        texts = dict.fromkeys(_message(row).text for row in rows)
        return [text for text in reversed(texts) if text not in (DAMAGED, FORGOTTEN)]

    def tree(self, chat: int) -> Tree:
        """All branches."""
        title, draft, own, leaf = self._chat(chat) or ("", "", NOTHING_CHOSEN, None)
        rows = self._all(f"SELECT {_COLUMNS}, checksum FROM messages WHERE chat = ? ORDER BY id", chat)  # noqa: S608
        return Tree(title, tuple(_message(row) for row in rows), leaf, draft, own=own)

    def _chat(self, chat: int) -> tuple[str, str, str, int | None] | None:
        """Title, draft, own settings and the last message of the branch shown."""
        row = self._one(f"SELECT leaf, {_OF_CHAT} FROM chats WHERE id = ?", chat)  # noqa: S608
        return None if row is None else (*whole_chat(row[1:]), row[0])

    def _newest_below(self, message: int) -> int:
        while (row := self._one("SELECT max(id) FROM messages WHERE parent = ?", message)) and row[0] is not None:
            message = row[0]
        return message

    def _branch(self, chat: int, leaf: int | None) -> list[SavedMessage]:
        return [_message(row) for row in reversed(self._all(_BRANCH, leaf, chat))]

    def _one(self, sql: str, *values: object) -> Any:
        with self._database.lock, self._database.errors():
            return self._database.connection.execute(sql, values).fetchone()

    def _all(self, sql: str, *values: object) -> list[Any]:
        with self._database.lock, self._database.errors():
            return self._database.connection.execute(sql, values).fetchall()


def _insert(
    sql: sqlite3.Connection,
    chat: int,
    parent: int | None,
    role: Speaker,
    text: str,
    outcome: str,
    files: Sequence[Attachment],
) -> int:
    attached = json.dumps([[_clean(file.name), _clean(file.text)] for file in files])
    message = _id(sql.execute(
        "INSERT INTO messages (chat, parent, role, text, outcome, created, files) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (chat, parent, role, _clean(text), outcome, time.time(), attached),
    ))  # fmt: skip
    index(sql, message)
    return seal_message(sql, message)


def _message(row: Sequence[Any]) -> SavedMessage:
    id_, _, parent, role, text, outcome, _, files = whole_message(row)
    return SavedMessage(
        id_, parent, role, text, outcome=outcome, files=tuple(Attachment(*file) for file in json.loads(files))
    )


def _id(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _clean(text: str) -> str:
    """SQLite stores UTF-8: a lone surrogate, as a broken paste may hold, becomes a replacement character."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
