"""Full-text search over titles and messages, newest first, quick enough to follow typing (SQLite FTS5)."""

import re
from dataclasses import replace

from spectra_local.chats.checks import CHAT_FIELDS, MESSAGE_FIELDS, whole_chat, whole_message
from spectra_local.chats.records import DAMAGED, Hit
from spectra_local.chats.store import SAID
from spectra_local.history.database import Database
from spectra_local.history.pairs import has_unspaced, pair_query, without_unspaced

MOST_HITS = 100  # more than anybody reads; ranking all hits of a common word would take longer than typing allows
_WORD = re.compile(r"\w+")
_INDEXED_PREFIX = 3  # characters; beginnings of words up to here have an index of their own, see 0002_chats.sql
_READ_CHARACTERS = 20_000  # of a message, when its excerpt is made
_BEFORE, _AFTER = 30, 60  # characters of the excerpt around the first hit

_IN_WORDS = "SELECT rowid AS id FROM message_words WHERE message_words MATCH ?"
_IN_PAIRS = "SELECT rowid AS id FROM message_pairs WHERE message_pairs MATCH ?"


def search(database: Database, words: str, limit: int = MOST_HITS) -> list[Hit]:
    """Chats whose title has all the words, then messages that have them; the last word may be unfinished."""
    terms = _WORD.findall(words)
    if not terms:
        return []
    with database.lock, database.errors():
        where = " AND ".join(["title LIKE ? ESCAPE '\\'"] * len(terms))
        titles = database.connection.execute(
            f"SELECT id, title, changed FROM chats WHERE {where} AND {SAID} ORDER BY changed DESC LIMIT ?",  # noqa: S608
            (*[_pattern(term) for term in terms], limit),
        ).fetchall()
        hits = [Hit(*row) for row in titles] + _messages(database, words, limit)
        return [_whole(database, hit) for hit in hits]


def _whole(database: Database, hit: Hit) -> Hit:
    """The hit without words that damage made."""
    sql = database.connection
    query = f"SELECT {', '.join(CHAT_FIELDS)}, checksum FROM chats WHERE id = ?"  # noqa: S608
    row = sql.execute(query, (hit.chat,)).fetchone()
    if whole_chat(row)[0] == DAMAGED:
        hit = replace(hit, title=DAMAGED)
    if hit.message is not None:
        query = f"SELECT {', '.join(MESSAGE_FIELDS)}, checksum FROM messages WHERE id = ?"  # noqa: S608
        if whole_message(sql.execute(query, (hit.message,)).fetchone())[4] == DAMAGED:
            hit = replace(hit, excerpt=DAMAGED)
    return hit


def _messages(database: Database, words: str, limit: int) -> list[Hit]:
    terms = _WORD.findall(without_unspaced(words))
    runs = [pair_query(words)] if has_unspaced(words) else []
    for query in _queries(terms):
        matches = [*runs, *query]
        first = _IN_PAIRS if runs else _IN_WORDS
        rest = f" AND rowid IN ({_IN_WORDS})" if len(matches) > 1 else ""
        rows = database.connection.execute(
            "SELECT c.id, c.title, c.changed, m.id, substr(m.text, 1, ?) "  # noqa: S608 - all of it is ours
            f"FROM ({first}{rest} ORDER BY rowid DESC LIMIT ?) AS found "
            "JOIN messages m ON m.id = found.id JOIN chats c ON c.id = m.chat ORDER BY m.id DESC",
            (_READ_CHARACTERS, *matches, limit),
        ).fetchall()
        if len(rows) == limit:
            break
    wanted = _WORD.findall(words)
    return [Hit(chat, title, at, message, excerpt=_excerpt(text, wanted)) for chat, title, at, message, text in rows]


def _queries(terms: list[str]) -> list[list[str]]:
    """What to ask FTS5, one after the other until there are hits enough.

    The beginning of a word is looked up among all words that begin so, whose lists FTS5 merges before the first hit
    comes; whole words are read from the end. So a word that may be whole is tried as such first.
    """
    if not terms:
        return [[]]
    whole = " ".join(f'"{term}"' for term in terms)
    return [[f"{whole}*"]] if len(terms[-1]) <= _INDEXED_PREFIX else [[whole], [f"{whole}*"]]


def _excerpt(text: str, terms: list[str]) -> str:
    """The words around the first hit."""
    low = text.lower()
    at = min((place for term in terms if (place := low.find(term.lower())) >= 0), default=0)
    start, end = max(0, at - _BEFORE), min(len(text), at + _AFTER)
    shown = " ".join(text[start:end].split())
    return ("…" if start else "") + shown + ("…" if end < len(text) else "")


def _pattern(term: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", term) + "%"
