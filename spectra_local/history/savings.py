"""What speculation saved, counted by day. Knows counts, no turns."""

import time
from dataclasses import astuple, dataclass

from spectra_local.history.database import Database


@dataclass(frozen=True, slots=True)
class Saved:
    """Counts of one answer, or summed over some."""

    answers: int = 0
    predicted_n: int = 0  # tokens generated
    steps: int = 0  # passes of the model
    draft_n: int = 0
    accepted_n: int = 0
    from_history: int = 0  # accepted tokens that an earlier turn foresaw
    predicted_ms: float = 0.0
    saved_ms: float = 0.0  # estimated from the measured cost of decodes


_NAMES = tuple(Saved.__dataclass_fields__)


def add_saved(database: Database, saved: Saved) -> None:
    """Adds to today's row. Raises StoreError."""
    columns, marks = ", ".join(_NAMES), ", ".join("?" * len(_NAMES))
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in _NAMES)
    with database.transaction() as connection:
        connection.execute(
            f"INSERT INTO savings (day, {columns}) VALUES (?, {marks}) ON CONFLICT (day) DO UPDATE SET {sums}",  # noqa: S608
            [time.strftime("%Y-%m-%d"), *astuple(saved)],
        )


def saved_by_day(database: Database) -> dict[str, Saved]:
    """By date, oldest first. Raises StoreError."""
    with database.lock, database.errors():
        rows = database.connection.execute(f"SELECT day, {', '.join(_NAMES)} FROM savings ORDER BY day").fetchall()  # noqa: S608
    return {row[0]: Saved(*row[1:]) for row in rows}
