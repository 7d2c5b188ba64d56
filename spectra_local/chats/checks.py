"""Checksums of saved chats: made at each write, compared at each read, so that damage is told and never shown as text.

Knows the two tables, nothing of what is done with them.
"""

import json
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from spectra_local.chats.records import DAMAGED, NOTHING_CHOSEN, UNREADABLE

MESSAGE_FIELDS = ("id", "chat", "parent", "role", "text", "outcome", "created", "files")
CHAT_FIELDS = ("id", "title", "draft", "own")


def seal_message(sql: sqlite3.Connection, message: int) -> int:
    """Inside a transaction, after each change of a message; returns its id."""
    row = sql.execute(f"SELECT {', '.join(MESSAGE_FIELDS)} FROM messages WHERE id = ?", (message,)).fetchone()  # noqa: S608
    if row:
        sql.execute("UPDATE messages SET checksum = ? WHERE id = ?", (_digest(row), message))
    return message


def seal_chat(sql: sqlite3.Connection, chat: int) -> int:
    """Inside a transaction, after each change of a chat's title, draft or own settings; returns its id. What changes a
    chat that was there calls ``mend_chat`` before: otherwise what is damaged would count as whole from then on."""
    row = sql.execute(f"SELECT {', '.join(CHAT_FIELDS)} FROM chats WHERE id = ?", (chat,)).fetchone()  # noqa: S608
    if row:
        sql.execute("UPDATE chats SET checksum = ? WHERE id = ?", (_digest_of_chat(row), chat))
    return chat


def mend_chat(sql: sqlite3.Connection, chat: int) -> None:
    """Inside a transaction, before each change of a chat: what is damaged of it goes."""
    names = [*CHAT_FIELDS, "checksum"]
    row = sql.execute(f"SELECT {', '.join(names)} FROM chats WHERE id = ?", (chat,)).fetchone()  # noqa: S608
    if row is None or (mended := kept_chat(before := dict(zip(names, row, strict=True)))) is before:
        return
    values = [mended[name] for name in (*names[1:], "id")]
    sql.execute("UPDATE chats SET title = ?, draft = ?, own = ?, checksum = ? WHERE id = ?", values)


def whole_message(row: Sequence[Any]) -> tuple[Any, ...]:
    """The fields of a message out of them and their checksum; where that does not fit, without text and files."""
    *fields, checksum = row
    if checksum is None or checksum == _digest(fields):
        return tuple(fields)
    id_, chat, parent, role, *_ = fields
    return (id_, chat, parent, role if role in ("user", "assistant") else "assistant", DAMAGED, "complete", 0.0, "[]")


def whole_chat(row: Sequence[Any]) -> tuple[str, str, str]:
    """Title, draft and own settings out of a chat's fields and checksum; where that does not fit, none of them."""
    *fields, checksum = row
    if checksum is None or checksum == _digest_of_chat(fields):
        _, title, draft, own = fields
        return title, draft, own
    return DAMAGED, "", UNREADABLE


def kept_message(row: dict[str, Any]) -> dict[str, Any]:
    """A row of messages as it is; a damaged one keeps its place and loses its text."""
    if row["checksum"] is None or row["checksum"] == _digest([row[name] for name in MESSAGE_FIELDS]):
        return row
    role = row["role"] if row["role"] in ("user", "assistant") else "assistant"
    mended = row | {"role": role, "text": DAMAGED, "outcome": "complete", "created": 0.0, "files": "[]"}
    return mended | {"checksum": _digest([mended[name] for name in MESSAGE_FIELDS])}


def kept_chat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of chats as it is; a damaged one loses title, draft and own settings."""
    if row["checksum"] is None or row["checksum"] == _digest_of_chat([row[name] for name in CHAT_FIELDS]):
        return row
    mended = row | {"title": DAMAGED, "draft": "", "own": NOTHING_CHOSEN}
    return mended | {"checksum": _digest_of_chat([mended[name] for name in CHAT_FIELDS])}


def _digest_of_chat(fields: Sequence[object]) -> bytes:
    """Of a chat without settings of its own it is what it was before there were any."""
    *before, own = fields
    return _digest(before if own == NOTHING_CHOSEN else fields)


def _digest(fields: Sequence[object]) -> bytes:
    """JSON in ASCII, since it is the same under every version of Python; a field of another type is damaged."""
    try:
        return blake2b(json.dumps(fields).encode(), digest_size=16).digest()
    except TypeError:
        return b""
