"""Which words stand in which message, for the full-text search. A message that is being written is not in it yet."""

import sqlite3

from spectra_local.chats.records import OPEN


def index(sql: sqlite3.Connection, message: int) -> None:
    """Inside a transaction, after a message was written."""
    sql.execute(
        "INSERT INTO message_words (rowid, text) SELECT id, text FROM messages WHERE id = ? AND outcome <> ?",
        (message, OPEN),
    )


def unindex(sql: sqlite3.Connection, which: str, value: int) -> None:
    """Inside a transaction, before messages change or go; ``which`` is a condition with one place for ``value``."""
    sql.execute(
        "INSERT INTO message_words (message_words, rowid, text) "  # noqa: S608 - ``which`` is ours
        f"SELECT 'delete', id, text FROM messages WHERE {which} AND outcome <> '{OPEN}'",
        (value,),
    )


def delete_chat(sql: sqlite3.Connection, chat: int) -> None:
    """Inside a transaction: a chat, its messages and their words."""
    unindex(sql, "chat = ?", chat)
    sql.execute("DELETE FROM chats WHERE id = ?", (chat,))
