"""The turns in the database: added, read back, forgotten. The only truth; an index is made from it.

Knows rows and layers, nothing of how drafts are found in them.
"""

import sqlite3
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np

from spectra_local.byte_size import byte_size
from spectra_local.errors import StoreError
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget, delete_turns
from spectra_local.history.turn import OWN, TOKEN, LayerKind, Turn

DEFAULT_CAP = 500_000_000  # bytes of the database
_EVICT_TO = 0.9  # of the cap: evicting is rare, and then worth its while
_USE_DAYS = 7.0  # a turn that was drafted from counts as this much younger, each time
_MOST_USES = 50.0
_ROW = 300  # bytes of a row beside its text and tokens: names, checksum, and its places in three indexes
_PAGE_ROWS = 200  # rows read at once: the reader may pause for long between them
_COLUMNS = (
    "t.id, t.ts, t.layer, l.name, t.conversation, t.origin, t.kind, t.fingerprint, t.text, t.beyond, t.tokens, "
    "t.checksum"
)
_OF = {False: "t.layer NOT IN (SELECT layer FROM corpora)", True: "t.layer IN (SELECT layer FROM corpora)"}


@dataclass(frozen=True, slots=True)
class Layer:
    """One removable body of turns, with its size."""

    id: int
    name: str
    created: float  # seconds since 1970
    enabled: bool
    _: KW_ONLY
    turns: int
    tokens: int
    bytes: int  # of text and tokens
    kind: LayerKind = "import"


@dataclass(frozen=True, slots=True)
class Growth:
    """What came in one week or month to one layer."""

    period: str
    layer: str
    turns: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """What belongs together: a chat, or one request of its own."""

    name: str
    turns: int
    tokens: int
    latest: float  # seconds since 1970
    _: KW_ONLY
    begins: str  # its first words


class Store:
    """Turns of one database. From any thread; programs may share the file."""

    def __init__(self, database: Database, cap: int = DEFAULT_CAP) -> None:
        self.database = database
        self.cap = cap
        self.damaged: set[int] = set()  # ids of rows whose checksum did not fit when they were read

    # --- adding and reading ------------------------------------------------------------------------------------

    def add(self, turns: Sequence[Turn], begun: int | None = None) -> list[int]:
        """Commits all or none and returns their ids. The layer must exist. ``begun``: what ``forgotten`` said when that
        was begun of which these turns are; where it says something else now nothing is added. Raises StoreError."""
        with self.database.transaction() as connection:
            if begun is not None and begun != connection.execute("SELECT forgotten FROM generation").fetchone()[0]:
                return []
            return [insert_turn(connection, turn) for turn in turns]

    def turns(
        self,
        *,
        layer: str | None = None,
        since: float | None = None,
        conversation: str | None = None,
        fingerprint: str | None = None,
        after: int = 0,
        until: int | None = None,
        enabled_only: bool = False,
        corpora: bool | None = None,
    ) -> Iterator[Turn]:
        """Turns in the order of their ids, those with ``after`` < id <= ``until``, of ``corpora``, of all other layers,
        or of both. Damaged rows are left out and noted in ``damaged``. No lock is held between rows. Raises
        StoreError."""
        conditions, values = _conditions(layer, since, conversation, fingerprint)
        if until is not None:
            conditions, values = [*conditions, "t.id <= ?"], [*values, until]
        if enabled_only:
            conditions.append("l.enabled")
        if corpora is not None:
            conditions.append(_OF[corpora])
        where = " AND ".join(["t.id > ?", *conditions])
        query = f"SELECT {_COLUMNS} FROM turns t JOIN layers l ON l.id = t.layer WHERE {where} ORDER BY t.id LIMIT ?"  # noqa: S608 - our own words
        while True:
            rows = self._rows(query, [after, *values, _PAGE_ROWS])
            for row in rows:
                turn = _turn(row)
                if turn is None:
                    self.damaged.add(row[0])
                else:
                    yield turn
            if len(rows) < _PAGE_ROWS:
                return
            after = rows[-1][0]

    def ids(self, fingerprint: str, after: int = 0, until: int | None = None, *, corpora: bool = False) -> list[int]:
        """Ids of one tokenizer's turns in enabled layers, ascending, those with ``after`` < id <= ``until``."""
        query = (
            "SELECT t.id FROM turns t JOIN layers l ON l.id = t.layer "  # noqa: S608 - our own words
            f"WHERE l.enabled AND {_OF[corpora]} AND t.fingerprint = ? AND t.id > ? AND t.id <= ? ORDER BY t.id"
        )
        return [row[0] for row in self._rows(query, [fingerprint, after, until or 1 << 62])]

    def waiting_tokens(self, fingerprint: str, after: int, *, corpora: bool = False) -> int:
        """How many tokens one tokenizer's turns have whose id is above ``after``."""
        query = (
            "SELECT coalesce(sum(length(t.tokens)), 0) / 4 FROM turns t "  # noqa: S608 - our own words
            f"WHERE {_OF[corpora]} AND t.fingerprint = ? AND t.id > ?"
        )
        return int(self._rows(query, [fingerprint, after])[0][0])

    def latest(self, fingerprint: str, after: int, most_tokens: int, *, corpora: bool = False) -> list[Turn]:
        """The newest of those turns in enabled layers, oldest first, with about ``most_tokens`` together."""
        first, total = after, 0
        query = (
            "SELECT t.id, length(t.tokens) / 4 FROM turns t "  # noqa: S608 - our own words
            f"WHERE {_OF[corpora]} AND t.fingerprint = ? AND t.id > ? ORDER BY t.id DESC LIMIT 4096"
        )
        for identity, n_tokens in self._rows(query, [fingerprint, after]):
            total += n_tokens
            first = identity - 1
            if total >= most_tokens:
                break
        return list(self.turns(fingerprint=fingerprint, after=first, enabled_only=True, corpora=corpora))

    def last_id(self) -> int:
        """Of the newest turn ever added, 0 for none."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'turns'", [])
        return int(rows[0][0]) if rows else 0

    def corpora_version(self) -> str:
        """Changes whenever the text of corpora does; "" where there is none."""
        query = (
            "SELECT max(t.id) FROM corpora c JOIN layers l ON l.id = c.layer JOIN turns t ON t.layer = c.layer "
            "WHERE l.enabled AND c.finished IS NOT NULL"
        )
        last = self._rows(query, [])[0][0]
        return f"{self.generation()}-{last}" if last else ""

    def generation(self) -> int:
        """Raised whenever turns were deleted or a layer was switched: what was read before is not to be used."""
        return int(self._rows("SELECT number FROM generation", [])[0][0])

    def forgotten(self) -> int:
        """Raised where the user wanted something gone: then all that was derived from turns must go too."""
        return int(self._rows("SELECT forgotten FROM generation", [])[0][0])

    def count_uses(self, ids: Iterable[int]) -> None:
        """Notes that drafts read on from these turns; they are evicted later. Raises StoreError."""
        with self.database.transaction(durable=False) as connection:
            connection.executemany("UPDATE turns SET uses = uses + 1 WHERE id = ?", [(i,) for i in ids])

    def conversations(self) -> list[Conversation]:
        """Of the own layer, the latest first."""
        query = (
            "SELECT conversation, count(*), coalesce(sum(length(tokens)), 0) / 4, max(ts), min(id) FROM turns "
            "WHERE layer = 1 GROUP BY conversation ORDER BY max(ts) DESC"
        )
        rows = self._rows(query, [])
        return [Conversation(n, turns, tokens, ts, begins=self._begins(first)) for n, turns, tokens, ts, first in rows]

    def _begins(self, first: int) -> str:
        return "".join(row[0] for row in self._rows("SELECT substr(text, 1, 200) FROM turns WHERE id = ?", [first]))

    # --- layers --------------------------------------------------------------------------------------------------

    def layers(self) -> list[Layer]:
        """All of them, the own one first."""
        query = (
            "SELECT l.id, l.name, l.created, l.enabled, count(t.id), coalesce(sum(length(t.tokens)), 0) / 4, "
            "coalesce(sum(length(t.tokens) + length(CAST(t.text AS BLOB))), 0), "
            "iif(l.id = 1, 'own', iif(l.id IN (SELECT layer FROM corpora), 'corpus', 'import')) "
            "FROM layers l LEFT JOIN turns t ON t.layer = l.id GROUP BY l.id ORDER BY l.id"
        )
        return [
            Layer(i, n, c, bool(e), turns=t, tokens=k, bytes=b, kind=kind)
            for i, n, c, e, t, k, b, kind in self._rows(query, [])
        ]

    def growth(self, period: Literal["week", "month"]) -> list[Growth]:
        """What came in each period and layer, oldest first. A week is named by its Monday, a month as YYYY-MM."""
        name = "strftime('%Y-%m', d)" if period == "month" else "date(d, 'weekday 0', '-6 days')"
        query = (
            f"SELECT {name} AS period, name, count(*), sum(n) FROM "  # noqa: S608 - our own words
            "(SELECT date(t.ts, 'unixepoch', 'localtime') AS d, l.name, t.layer, length(t.tokens) / 4 AS n "
            "FROM turns t JOIN layers l ON l.id = t.layer) GROUP BY period, layer ORDER BY period, layer"
        )
        return [Growth(*row) for row in self._rows(query, [])]

    def create_layer(self, name: str) -> None:
        """Raises StoreError where there is one of that name."""
        try:
            with self.database.transaction() as connection:
                insert_layer(connection, name)
        except StoreError as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                raise StoreError(f"there is a layer {name!r} already; choose another name") from error
            raise

    def room(self) -> int:
        """Bytes that an import may take: the rest up to the cap, so that no row has to go for it."""
        return max(0, self.cap - self.size())

    def import_layer(self, name: str, turns: Iterable[Turn]) -> int:
        """Makes the layer and adds ``turns`` to it, all or nothing; returns how many. Raises StoreError, also where
        they take more than ``room``."""
        if any(layer.name == name for layer in self.layers()):
            raise StoreError(f"there is a layer {name!r} already; choose another name")
        count, left = 0, self.room()
        with self.database.transaction() as connection:
            insert_layer(connection, name)
            for turn in turns:
                n_text = len(turn.text.encode("utf-8", "replace")) + len(turn.beyond.encode("utf-8", "replace"))
                left -= stored_size(n_text, len(turn.tokens))
                if left < 0:
                    raise StoreError(no_room(self))
                insert_turn(connection, turn, layer=name)
                count += 1
        return count

    def remove_layer(self, name: str) -> int:
        """Removes an import or a corpus, really; returns how many turns. What drafting derived from it is not the
        store's: see chats/forgetting.py. Raises StoreError: own, or unknown."""
        if name == OWN:
            raise StoreError("'own' is what happened here; 'history forget --all' erases it")
        with self.database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM turns WHERE layer = (SELECT id FROM layers WHERE name = ?)", [name]
            ).rowcount
            if not connection.execute("DELETE FROM layers WHERE name = ?", [name]).rowcount:
                raise StoreError(f"there is no layer {name!r}")
            raise_generation(connection, forgotten=True)
        self.erase_deleted()
        return gone

    def switch_layer(self, name: str, enabled: bool) -> None:
        """Uses a layer for drafts or not. Raises StoreError where it is unknown."""
        with self.database.transaction() as connection:
            if not connection.execute("UPDATE layers SET enabled = ? WHERE name = ?", [int(enabled), name]).rowcount:
                raise StoreError(f"there is no layer {name!r}")
            raise_generation(connection)

    # --- forgetting ------------------------------------------------------------------------------------------------

    def forget(self, what: Forget) -> int:
        """Erases what fits, in every layer: rows, free pages, log, index and copies; returns how many turns.

        Saved chats are not the store's: see chats/forgetting.py. Raises StoreError, also where another program holds
        on to the log: then rows are gone, and forgetting again finishes the work.
        """
        with self.database.transaction() as connection:
            gone = delete_turns(connection, what)
        self.erase_deleted()
        return sum(gone)

    def erase_deleted(self) -> None:
        """Removes from every file of the history what was deleted from the tables. Raises StoreError."""
        from spectra_local.history.traces import erase_traces

        erase_traces()
        for copy in self.database.copies():
            copy.unlink(missing_ok=True)
        self.database.erase_deleted()

    def size(self) -> int:
        """Bytes of the database that hold something."""
        (pages,), (free,), (page_size,) = (
            self._rows(f"PRAGMA {name}", [])[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page_size)

    def evict(self) -> dict[str, int]:
        """Above the cap, deletes the least useful turns (old ones that no draft read on from): first those of imports,
        then those of corpora, and the user's own last. Returns how many by layer, and counts them."""
        over = self.size() - self.cap
        if over <= 0:
            return {}
        to_free = over + (1 - _EVICT_TO) * self.cap
        query = (
            "SELECT t.id, l.name, length(tokens) + length(CAST(text AS BLOB)) + length(CAST(beyond AS BLOB)) + 200 "
            "FROM turns t JOIN layers l ON l.id = t.layer "
            "ORDER BY t.layer = 1, t.layer IN (SELECT layer FROM corpora), ts + ? * min(uses, ?), t.id"
        )
        chosen: list[tuple[int]] = []
        layers: Counter[str] = Counter()
        for identity, layer, size in self._rows(query, [86400 * _USE_DAYS, _MOST_USES]):
            if to_free <= 0:
                break
            to_free -= size
            chosen.append((identity,))
            layers[layer] += 1
        with self.database.transaction() as connection:
            connection.executemany("DELETE FROM turns WHERE id = ?", chosen)
            connection.executemany(
                "INSERT INTO evictions (day, layer, turns) VALUES (date('now', 'localtime'), ?, ?) "
                "ON CONFLICT (day, layer) DO UPDATE SET turns = turns + excluded.turns",
                layers.items(),
            )
            raise_generation(connection)
        return dict(layers)

    def evicted(self) -> dict[str, int]:
        """How many turns of each layer made room for others since the beginning."""
        return dict(self._rows("SELECT layer, sum(turns) FROM evictions GROUP BY layer ORDER BY layer", []))

    def _rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self.database.lock, self.database.errors():
            return self.database.connection.execute(query, values).fetchall()


def stored_size(n_text: int, n_tokens: int, n_turns: int = 1) -> int:
    """Bytes that turns take in the file, with so many bytes of text and so many tokens."""
    return n_text + TOKEN.itemsize * n_tokens + _ROW * n_turns


def no_room(store: Store) -> str:
    """Why an import is refused."""
    return (
        f"unpacked it is larger than what is left for imports, {byte_size(store.room())} of {byte_size(store.cap)}; "
        "nothing was imported"
    )


def insert_layer(connection: sqlite3.Connection, name: str) -> None:
    """Inside a transaction."""
    connection.execute("INSERT INTO layers (name, created) VALUES (?, ?)", [name, time.time()])


def insert_turn(connection: sqlite3.Connection, turn: Turn, layer: str | None = None) -> int:
    """Inside a transaction; returns its id. Raises StoreError where there is no such layer."""
    name = layer or turn.layer
    found = connection.execute("SELECT id FROM layers WHERE name = ?", [name]).fetchone()
    if found is None:
        raise StoreError(f"there is no layer {name!r}")
    # Lone surrogates are no text for SQLite.
    text, beyond = (part.encode("utf-8", "replace").decode() for part in (turn.text, turn.beyond))
    blob = np.ascontiguousarray(turn.tokens, TOKEN).tobytes()
    clean = Turn(
        turn.conversation,
        turn.origin,
        turn.fingerprint,
        text,
        tokens=turn.tokens,
        ts=turn.ts,
        kind=turn.kind,
        beyond=beyond,
    )
    cursor = connection.execute(
        "INSERT INTO turns (ts, layer, conversation, origin, kind, fingerprint, text, beyond, tokens, checksum) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            float(turn.ts),
            found[0],
            turn.conversation,
            turn.origin,
            turn.kind,
            turn.fingerprint,
            text,
            beyond,
            blob,
            clean.checksum(found[0]),
        ],
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def raise_generation(connection: sqlite3.Connection, *, forgotten: bool = False) -> None:
    """Inside a transaction that deleted turns or switched layers; ``forgotten``: because the user wants them gone."""
    connection.execute("UPDATE generation SET number = number + 1, forgotten = forgotten + ?", [int(forgotten)])


def _conditions(
    layer: str | None, since: float | None, conversation: str | None, fingerprint: str | None
) -> tuple[list[str], list[object]]:
    given = {
        "l.name = ?": layer,
        "t.ts >= ?": since,
        "t.conversation = ?": conversation,
        "t.fingerprint = ?": fingerprint,
    }
    kept = {condition: value for condition, value in given.items() if value is not None}
    return list(kept), list(kept.values())


def kept_turn(row: dict[str, Any]) -> dict[str, Any] | None:
    """A row of the table as it is, None where it is damaged."""
    names = [name.removeprefix("t.") for name in _COLUMNS.split(", ")]
    return row if _turn(tuple(row.get(name, "") for name in names)) else None


def _turn(row: tuple[Any, ...]) -> Turn | None:
    """The turn of a row of ``_COLUMNS``; None where the row is damaged."""
    identity, ts, layer_id, layer, conversation, origin, kind, fingerprint, text, beyond, blob, checksum = row
    if not isinstance(blob, bytes) or len(blob) % TOKEN.itemsize or not isinstance(text, str):
        return None
    tokens = np.frombuffer(blob, TOKEN)
    turn = Turn(
        conversation,
        origin,
        fingerprint,
        text,
        tokens=tokens,
        ts=ts,
        kind=kind,
        layer=layer,
        id=identity,
        beyond=beyond,
    )
    try:
        return turn if turn.checksum(layer_id) == checksum else None
    except (AttributeError, TypeError, ValueError, struct.error):
        return None
