"""Full-text search over titles and messages, newest first, quick enough to follow typing (SQLite FTS5)."""

import re

from spectra_local.chats.records import Hit
from spectra_local.history.database import Database

MOST_HITS = 100  # more than anybody reads; ranking all hits of a common word would take longer than typing allows
_EXCERPT_TOKENS = 14
_WORD = re.compile(r"\w+")
# Scripts without spaces: a run of them is one word to FTS5, so what stands inside it is found by looking through all.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def search(database: Database, words: str, limit: int = MOST_HITS) -> list[Hit]:
    """Chats whose title has all the words, then messages that have them; the last word may be unfinished."""
    terms = _WORD.findall(words)
    if not terms:
        return []
    with database.lock, database.errors():
        where = " AND ".join(["title LIKE ? ESCAPE '\\'"] * len(terms))
        titles = database.connection.execute(
            f"SELECT id, title, changed FROM chats WHERE {where} ORDER BY changed DESC LIMIT ?",  # noqa: S608
            (*[_pattern(term) for term in terms], limit),
        ).fetchall()
        messages = (
            _looked_through(database, words, limit) if _UNSPACED.search(words) else _found(database, terms, limit)
        )
    return [Hit(*row) for row in titles] + messages


def _found(database: Database, terms: list[str], limit: int) -> list[Hit]:
    query = " ".join(f'"{term}"' for term in terms) + "*"
    rows = database.connection.execute(
        "SELECT c.id, c.title, c.changed, m.id, snippet(message_words, 0, '', '', '…', ?) "
        "FROM message_words JOIN messages m ON m.id = message_words.rowid JOIN chats c ON c.id = m.chat "
        "WHERE message_words MATCH ? ORDER BY message_words.rowid DESC LIMIT ?",
        (_EXCERPT_TOKENS, query, limit),
    )
    return [Hit(*row) for row in rows]


def _looked_through(database: Database, words: str, limit: int) -> list[Hit]:
    rows = database.connection.execute(
        "SELECT c.id, c.title, c.changed, m.id, substr(m.text, max(1, instr(m.text, ?) - 20), 60) "
        "FROM messages m JOIN chats c ON c.id = m.chat WHERE instr(m.text, ?) ORDER BY m.id DESC LIMIT ?",
        (words.strip(), words.strip(), limit),
    )
    return [Hit(*row) for row in rows]


def _pattern(term: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", term) + "%"
