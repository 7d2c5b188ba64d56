"""Corpora in the database: which there are, how well the model foresees each chunk, and which are kept.

The kept text itself is turns of a layer (history/store.py); of a chunk that is not kept only its digest stays.
"""

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import pairwise
from math import exp
from pathlib import Path
from typing import Any

from spectra_local.errors import StoreError
from spectra_local.history.store import Store, insert_layer, insert_turn, raise_generation
from spectra_local.history.turn import Turn

MOST_TOKENS = 10_000_000  # what a look-up was measured with
_ROOM = 0.5  # share of the store's size that all corpora may take together
_PERPLEXITIES = (1.5, 2, 3, 4, 6, 8, 12, 16, 32)  # borders of the histogram


@dataclass(frozen=True, slots=True)
class Corpus:
    """How a corpus was asked for, and by which model its chunks were scored."""

    name: str
    paths: tuple[Path, ...]  # absolute; none: the model's own answers
    keep: float  # share of the scored tokens, above 0
    max_tokens: int
    _: KW_ONLY
    model: str  # its name, for people
    scorer: str  # and what tells it from others
    seen: Mapping[str, int] = field(default_factory=dict)  # what the last survey counted
    finished: float | None = None  # seconds since 1970; None: interrupted
    id: int = 0  # of its layer, 0: not stored yet


@dataclass(frozen=True, slots=True)
class Chunks:
    """What became of a corpus's chunks; tokens in brackets' stead."""

    n: int
    n_tokens: int
    n_scored: int
    scored_tokens: int
    _: KW_ONLY
    n_kept: int
    kept_tokens: int  # those whose text is there
    missing_tokens: int  # those whose text is not there any more: forgotten, or damaged; or not there yet
    histogram: tuple[tuple[float | None, int, int], ...]  # (perplexity below, scored, kept); None: no bound


class Records:
    """The corpora of one store. Every method raises StoreError where the database fails."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._database = store.database

    # --- which there are -----------------------------------------------------------------------------------------

    def all(self) -> list[Corpus]:
        """By age."""
        query = (
            "SELECT l.name, c.paths, c.keep, c.max_tokens, c.model, c.scorer, c.seen, c.finished, c.layer "
            "FROM corpora c JOIN layers l ON l.id = c.layer ORDER BY c.layer"
        )
        return [_corpus(row) for row in self._rows(query)]

    def named(self, name: str) -> Corpus | None:
        """None where there is none of that name. Raises StoreError where that is another layer's name."""
        found = next((corpus for corpus in self.all() if corpus.name == name), None)
        if found is None and any(layer.name == name for layer in self.store.layers()):
            raise StoreError(f"{name!r} is another layer's name ('history layers' lists them); choose one with --name")
        return found

    def begin(self, corpus: Corpus) -> Corpus:
        """Notes that ``corpus`` is being made, or made anew."""
        with self._database.transaction() as sql:
            if not corpus.id:
                insert_layer(sql, corpus.name)
            (layer,) = sql.execute("SELECT id FROM layers WHERE name = ?", [corpus.name]).fetchone()
            paths = json.dumps([str(path) for path in corpus.paths])
            sql.execute(
                "INSERT INTO corpora (layer, paths, keep, max_tokens, model, scorer) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (layer) DO UPDATE SET paths = excluded.paths, keep = excluded.keep, "
                "max_tokens = excluded.max_tokens, model = excluded.model, scorer = excluded.scorer, "
                # Another share of the same scores is another choice of text.
                "finished = iif(keep = excluded.keep AND max_tokens = excluded.max_tokens, finished, NULL)",
                [layer, paths, corpus.keep, corpus.max_tokens, corpus.model, corpus.scorer],
            )
        found = self.named(corpus.name)
        assert found
        return found

    def forget_scores(self, corpus: Corpus) -> None:
        """Because another model is to score."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM corpus_chunks WHERE layer = ?", [corpus.id])

    # --- scoring -------------------------------------------------------------------------------------------------

    def note(self, corpus: Corpus, chunks: Iterable[tuple[bytes, int]]) -> None:
        """Chunks worth scoring: digest and tokens. Those that are known keep their score."""
        with self._database.transaction(durable=False) as sql:
            sql.executemany(
                "INSERT OR IGNORE INTO corpus_chunks (layer, digest, n_tokens) VALUES (?, ?, ?)",
                [(corpus.id, digest, n) for digest, n in chunks],
            )

    def surveyed(self, corpus: Corpus, digests: Collection[bytes], seen: Mapping[str, int]) -> int:
        """Ends a survey: these are all chunks that there are now, and this is what was counted. Returns how many are
        there no more."""
        rows = self._rows("SELECT id, digest FROM corpus_chunks WHERE layer = ?", [corpus.id])
        gone = [(identity,) for identity, digest in rows if digest not in digests]
        with self._database.transaction() as sql:
            sql.executemany("DELETE FROM corpus_chunks WHERE id = ?", gone)
            sql.execute("UPDATE corpora SET seen = ? WHERE layer = ?", [json.dumps(dict(seen)), corpus.id])
        return len(gone)

    def take_known_scores(self, corpus: Corpus) -> None:
        """From other corpora that the same model scored: the same text is scored once."""
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE corpus_chunks AS mine SET nats = (SELECT o.nats FROM corpora c JOIN corpus_chunks o "
                "ON o.layer = c.layer AND o.digest = mine.digest WHERE c.layer != mine.layer AND c.scorer = ? "
                "AND o.nats IS NOT NULL LIMIT 1) WHERE layer = ? AND nats IS NULL",
                [corpus.scorer, corpus.id],
            )

    def twin(self, corpus: Corpus) -> str | None:
        """A finished corpus of the very same chunks, scored by the same model."""
        query = (
            "SELECT l.name FROM corpora c JOIN layers l ON l.id = c.layer "
            "WHERE c.layer != ?1 AND c.scorer = ?2 AND c.finished NOT NULL "
            "AND (SELECT count(*) FROM corpus_chunks WHERE layer = c.layer) "
            "= (SELECT count(*) FROM corpus_chunks WHERE layer = ?1) "
            "AND NOT EXISTS (SELECT digest FROM corpus_chunks WHERE layer = ?1 "
            "EXCEPT SELECT digest FROM corpus_chunks WHERE layer = c.layer) ORDER BY c.layer"
        )
        return next((name for (name,) in self._rows(query, [corpus.id, corpus.scorer])), None)

    def unscored(self, corpus: Corpus) -> dict[bytes, int]:
        """Tokens by digest of what is still to be scored."""
        query = "SELECT digest, n_tokens FROM corpus_chunks WHERE layer = ? AND nats IS NULL"
        return dict(self._rows(query, [corpus.id]))

    def score(self, corpus: Corpus, nats: Mapping[bytes, float]) -> None:
        """Keeps what was found, so that an interruption costs a pass and no more. Raises StoreError also where somebody
        removed the corpus meanwhile."""
        with self._database.transaction(durable=False) as sql:
            if not sql.execute("SELECT 1 FROM corpora WHERE layer = ?", [corpus.id]).fetchone():
                raise StoreError(f"corpus {corpus.name!r} was removed meanwhile")
            sql.executemany(
                "UPDATE corpus_chunks SET nats = ? WHERE layer = ? AND digest = ?",
                [(value, corpus.id, digest) for digest, value in nats.items()],
            )

    def choose(self, corpus: Corpus) -> set[bytes]:
        """The easiest chunks, up to ``keep`` of all scored tokens and to ``max_tokens``."""
        query = (
            "SELECT id, digest, n_tokens FROM corpus_chunks WHERE layer = ? AND nats IS NOT NULL ORDER BY nats, digest"
        )
        rows = self._rows(query, [corpus.id])
        left = min(corpus.max_tokens, round(corpus.keep * sum(n for _, _, n in rows)))
        kept = {}
        for identity, digest, n in rows:
            if n > left:
                break
            left -= n
            kept[digest] = identity
        with self._database.transaction() as sql:
            sql.execute("UPDATE corpus_chunks SET kept = 0 WHERE layer = ?", [corpus.id])
            sql.executemany("UPDATE corpus_chunks SET kept = 1 WHERE id = ?", [(i,) for i in kept.values()])
        return set(kept)

    # --- the text that is kept -----------------------------------------------------------------------------------

    def clear(self, corpus: Corpus) -> None:
        """Deletes the text, because it is written anew; the scores stay. Until ``finish`` it counts as unfinished."""
        with self._database.transaction() as sql:
            sql.execute("UPDATE corpora SET finished = NULL WHERE layer = ?", [corpus.id])
            if sql.execute("DELETE FROM turns WHERE layer = ?", [corpus.id]).rowcount:
                raise_generation(sql)

    def add(self, turns: Sequence[Turn]) -> None:
        """Adds text that is kept. Raises StoreError where corpora would take more than their share of the store."""
        taken = sum(layer.bytes for layer in self.store.layers() if layer.kind == "corpus")
        taken += sum(4 * len(turn.tokens) + len(turn.text) for turn in turns)
        if taken > _ROOM * self.store.cap:
            raise StoreError(
                f"corpora may take {_ROOM * self.store.cap / 1e6:.0f} MB of the history's {self.store.cap / 1e6:.0f}; "
                "remove one, or keep less with --keep or --max-tokens"
            )
        with self._database.transaction() as sql:
            for turn in turns:
                insert_turn(sql, turn)

    def finish(self, corpus: Corpus) -> None:
        """All of it is written."""
        with self._database.transaction() as sql:
            sql.execute("UPDATE corpora SET finished = ? WHERE layer = ?", [time.time(), corpus.id])

    # --- for people ----------------------------------------------------------------------------------------------

    def chunks(self, corpus: Corpus) -> Chunks:
        """Sums over all chunks of a corpus."""
        rows = self._rows("SELECT n_tokens, nats, kept FROM corpus_chunks WHERE layer = ?", [corpus.id])
        stored = self.stored_tokens(corpus)
        scored = [(n, exp(min(nats, 50.0)), kept) for n, nats, kept in rows if nats is not None]
        kept_tokens = [n for n, _, kept in scored if kept]
        borders = [0.0, *_PERPLEXITIES, float("inf")]
        histogram = []
        for low, high in pairwise(borders):
            inside = [kept for _, perplexity, kept in scored if low <= perplexity < high]
            histogram.append((high if high != float("inf") else None, len(inside), sum(inside)))
        return Chunks(
            n=len(rows),
            n_tokens=sum(n for n, _, _ in rows),
            n_scored=len(scored),
            scored_tokens=sum(n for n, _, _ in scored),
            n_kept=len(kept_tokens),
            kept_tokens=stored,
            missing_tokens=max(0, sum(kept_tokens) - stored),
            histogram=tuple(histogram),
        )

    def is_whole(self, corpus: Corpus) -> bool:
        """Whether all of the text that is kept is there: some may have been forgotten meanwhile."""
        query = "SELECT coalesce(sum(n_tokens), 0) FROM corpus_chunks WHERE layer = ? AND kept"
        return bool(self._rows(query, [corpus.id])[0][0] == self.stored_tokens(corpus))

    def stored_tokens(self, corpus: Corpus) -> int:
        """How many tokens of text are there."""
        query = "SELECT coalesce(sum(length(tokens)), 0) / 4 FROM turns WHERE layer = ?"
        return int(self._rows(query, [corpus.id])[0][0])

    def kept(self, corpus: Corpus) -> set[bytes]:
        """Digests of the chunks that are kept."""
        return {row[0] for row in self._rows("SELECT digest FROM corpus_chunks WHERE layer = ? AND kept", [corpus.id])}

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._database.lock, self._database.errors():
            return self._database.connection.execute(query, values).fetchall()


def _corpus(row: tuple[Any, ...]) -> Corpus:
    name, paths, keep, max_tokens, model, scorer, seen, finished, layer = row
    try:
        known = tuple(Path(path) for path in json.loads(paths))
        counts = {str(key): int(n) for key, n in json.loads(seen).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"the record of corpus {name!r} is damaged; 'corpus remove {name}' and add it again"
        ) from error
    return Corpus(name, known, keep, max_tokens, model=model, scorer=scorer, seen=counts, finished=finished, id=layer)
