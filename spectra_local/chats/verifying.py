"""Checks all that is kept, turns and chats, and saves what is whole of a damaged file."""

import sqlite3

from spectra_local.chats.checks import kept_chat, kept_message
from spectra_local.chats.records import DAMAGED
from spectra_local.chats.words import damage, index_all
from spectra_local.history.database import Database
from spectra_local.history.verify import Findings, verify


def verify_all(database: Database) -> Findings:
    """Reads everything; see history/verify.py."""
    return verify(database, {"messages": kept_message, "chats": kept_chat}, damage, _remake)


def _remake(sql: sqlite3.Connection) -> None:
    """In a new file: chats whose row is lost get one, messages lose parents that are lost, and words are indexed."""
    sql.execute(
        "INSERT INTO chats (id, title, created, changed) SELECT chat, ?, min(created), max(created) FROM messages "
        "WHERE chat NOT IN (SELECT id FROM chats) GROUP BY chat",
        (DAMAGED,),
    )
    sql.execute("UPDATE messages SET parent = NULL, checksum = NULL WHERE parent NOT IN (SELECT id FROM messages)")
    sql.execute("UPDATE chats SET leaf = (SELECT max(id) FROM messages WHERE chat = chats.id) "
                "WHERE leaf NOT IN (SELECT id FROM messages)")  # fmt: skip
    index_all(sql)
