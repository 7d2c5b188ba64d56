"""What speculation saved, counted by day. Knows counts, no turns."""

import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, astuple, dataclass

from spectra_local.history.database import Database


@dataclass(frozen=True, slots=True)
class Saved:
    """Counts of one answer, or summed over some."""

    answers: int = 0
    predicted_n: int = 0  # tokens generated
    steps: int = 0  # passes of the model
    draft_n: int = 0
    _: KW_ONLY
    accepted_n: int = 0
    from_history: int = 0  # accepted tokens that an earlier turn foresaw
    predicted_ms: float = 0.0
    saved_ms: float = 0.0  # estimated from the measured cost of decodes


@dataclass(frozen=True, slots=True)
class Tried:
    """Guesses of one source, in tokens."""

    accepted: int = 0
    rejected: int = 0


_NAMES = tuple(Saved.__dataclass_fields__)


def add_saved(database: Database, saved: Saved, tried: Mapping[str, Tried] | None = None) -> None:
    """Adds to today's rows; ``tried``: by source. Raises StoreError."""
    today = time.strftime("%Y-%m-%d")
    columns, marks = ", ".join(_NAMES), ", ".join("?" * len(_NAMES))
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in _NAMES)
    with database.transaction(durable=False) as connection:
        connection.execute(
            f"INSERT INTO savings (day, {columns}) VALUES (?, {marks}) ON CONFLICT (day) DO UPDATE SET {sums}",  # noqa: S608
            [today, *astuple(saved)],
        )
        connection.executemany(
            "INSERT INTO savings_by_source (day, source, accepted, rejected) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET accepted = accepted + excluded.accepted, rejected = rejected + excluded.rejected",
            [(today, source, each.accepted, each.rejected) for source, each in (tried or {}).items()],
        )


def saved_by_day(database: Database) -> dict[str, Saved]:
    """By date, oldest first. Raises StoreError."""
    return _saved(database, "day")


def saved_by_week(database: Database) -> dict[str, Saved]:
    """By the date of the week's Monday, oldest first. Raises StoreError."""
    return _saved(database, "date(day, 'weekday 0', '-6 days')")


def tried_by_source(database: Database) -> dict[str, Tried]:
    """Since the beginning, the source that was right most often first. Raises StoreError."""
    query = "SELECT source, sum(accepted), sum(rejected) FROM savings_by_source GROUP BY source ORDER BY 2 DESC, 1"
    with database.lock, database.errors():
        return {source: Tried(*counts) for source, *counts in database.connection.execute(query).fetchall()}


def _saved(database: Database, period: str) -> dict[str, Saved]:
    sums = ", ".join(f"sum({name})" for name in _NAMES)
    query = f"SELECT {period} AS period, {sums} FROM savings GROUP BY period ORDER BY period"  # noqa: S608 - our words
    with database.lock, database.errors():
        return {
            period: Saved(**dict(zip(_NAMES, counts, strict=True)))
            for period, *counts in database.connection.execute(query).fetchall()
        }
