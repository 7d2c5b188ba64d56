"""Which words stand in which message, for the full-text search. A message that is being written is not in it yet."""

import sqlite3

from spectra_local.chats.records import OPEN


def index(sql: sqlite3.Connection, message: int) -> None:
    """Inside a transaction, after a message was written."""
    _index(sql, "id = ?", message)


def index_all(sql: sqlite3.Connection) -> None:
    """Inside a transaction, where no message is indexed yet."""
    _index(sql, "chat IS NOT ?", None)


def _index(sql: sqlite3.Connection, which: str, value: int | None) -> None:
    complete = f"FROM messages WHERE {which} AND outcome <> '{OPEN}'"
    sql.execute(f"INSERT INTO message_words (rowid, text) SELECT id, text {complete}", (value,))
    sql.execute(
        f"INSERT INTO message_pairs (rowid, pairs) SELECT id, text_pairs(text) {complete} AND text_pairs(text) <> ''",
        (value,),
    )


def unindex(sql: sqlite3.Connection, which: str, value: int) -> None:
    """Inside a transaction, before messages change or go; ``which`` is a condition with one place for ``value``."""
    complete = f"FROM messages WHERE {which} AND outcome <> '{OPEN}'"
    sql.execute(
        f"INSERT INTO message_words (message_words, rowid, text) SELECT 'delete', id, text {complete}", (value,)
    )
    sql.execute(
        "INSERT INTO message_pairs (message_pairs, rowid, pairs) "
        f"SELECT 'delete', id, text_pairs(text) {complete} AND text_pairs(text) <> ''",
        (value,),
    )


def merge(sql: sqlite3.Connection) -> None:
    """Inside a transaction: SQLite before 3.42 keeps deleted words until the index is merged."""
    sql.execute("INSERT INTO message_words (message_words) VALUES ('optimize')")
    sql.execute("INSERT INTO message_pairs (message_pairs) VALUES ('optimize')")


def damage(sql: sqlite3.Connection) -> str:
    """What FTS5 finds wrong with what is indexed, "" for nothing."""
    for table in ("message_words", "message_pairs"):
        try:
            sql.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 0)")  # noqa: S608
        except sqlite3.Error as error:
            return f"{table}: {error}"
    return ""


def delete_chat(sql: sqlite3.Connection, chat: int) -> None:
    """Inside a transaction: a chat, its messages and their words."""
    unindex(sql, "chat = ?", chat)
    sql.execute("DELETE FROM chats WHERE id = ?", (chat,))
