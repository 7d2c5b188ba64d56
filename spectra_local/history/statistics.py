"""Sums over the store for people: what is kept, by layer and time, and what speculation saved."""

from collections import Counter
from dataclasses import KW_ONLY, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from spectra_local.history.database import Database
from spectra_local.history.savings import Saved, Tried, saved_by_day, saved_by_week, tried_by_source
from spectra_local.history.store import Growth, Layer, Store


@dataclass(frozen=True, slots=True)
class Statistics:
    """All there is to say of a store, oldest first."""

    path: Path
    n_bytes: int  # on disk
    cap: int  # of ``n_bytes``
    layers: tuple[Layer, ...]
    _: KW_ONLY
    weeks: tuple[Growth, ...]
    months: tuple[Growth, ...]
    saved_by_day: dict[str, Saved]
    saved_by_week: dict[str, Saved]
    tried_by_source: dict[str, Tried]
    evicted: dict[str, int]  # turns that made room for others, by layer

    @property
    def saved(self) -> Saved:
        """Since the beginning."""
        days = self.saved_by_day.values()
        return Saved(**{field.name: sum(getattr(day, field.name) for day in days) for field in fields(Saved)})

    @property
    def passes_saved(self) -> int:
        """Passes of the model that plain decoding would have made besides."""
        saved = self.saved
        return max(0, saved.predicted_n - saved.steps)


def read_statistics(path: Path | None = None) -> Statistics:
    """Those of the database at ``path`` (None: the user's). Reads every row: not for the thread that draws.

    Raises StoreError.
    """
    database = Database(path)
    try:
        store = Store(database)
        return Statistics(
            path=database.path,
            n_bytes=store.size(),
            cap=store.cap,
            layers=tuple(store.layers()),
            weeks=tuple(store.growth("week")),
            months=tuple(store.growth("month")),
            saved_by_day=saved_by_day(database),
            saved_by_week=saved_by_week(database),
            tried_by_source=tried_by_source(database),
            evicted=store.evicted(),
        )
    finally:
        database.close()


def statistics_json(found: Statistics) -> dict[str, Any]:
    """The same as plain values, ready for JSON."""
    return {
        "path": str(found.path),
        "bytes": found.n_bytes,
        "cap": found.cap,
        "layers": [asdict(layer) for layer in found.layers],
        "evicted": found.evicted,
        "months": by_month(found),
        "saved": {**asdict(found.saved), "passes_saved": found.passes_saved},
        "days": {day: asdict(saved) for day, saved in found.saved_by_day.items()},
        "weeks": {week: asdict(saved) for week, saved in found.saved_by_week.items()},
        "sources": {source: asdict(tried) for source, tried in found.tried_by_source.items()},
    }


def by_month(found: Statistics) -> list[dict[str, Any]]:
    """Turns and tokens of all layers together."""
    turns: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for each in found.months:
        turns[each.period] += each.turns
        tokens[each.period] += each.tokens
    return [{"month": month, "turns": turns[month], "tokens": tokens[month]} for month in sorted(turns)]
