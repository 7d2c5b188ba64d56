"""What a user wants gone, and the turns that fit it. Knows the tables of turns and layers, no files and no chats."""

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Forget:
    """All that is given must fit; ``everything`` stands alone."""

    conversation: str | None = None  # as turns name it: "chat-7" for a saved chat
    containing: str | None = None  # in any case
    before: float | None = None  # seconds since 1970; of what was said here: elsewhere the day is that of the adding
    everything: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError where nothing is given: an empty choice must not mean everything."""
        if not (self.everything or self.conversation or self.containing or self.before is not None):
            raise ValueError("nothing says what to forget")

    def fits(self, *texts: str) -> bool:
        """Whether one of the texts holds what is to be gone; True where no words were given."""
        if self.containing is None:
            return True
        folded = self.containing.casefold()
        return any(folded in text.casefold() for text in texts)


class Deleted(NamedTuple):
    """How many rows went."""

    turns: int  # said here, or imported
    corpus_texts: int


def delete_turns(connection: sqlite3.Connection, what: Forget) -> Deleted:
    """Inside a transaction: deletes the turns of every layer that fit. A corpus finds out by itself what it lacks."""
    conditions, values = ["1"], list[object]()
    if what.conversation:
        conditions, values = [*conditions, "conversation = ?"], [*values, what.conversation]
    if what.before is not None:
        conditions, values = [*conditions, "ts < ?"], [*values, what.before]
    if what.containing:
        conditions.append("said(text, beyond)")
        connection.create_function("said", 2, lambda *texts: what.fits(*map(str, texts)), deterministic=True)
    # A corpus of the model's own answers (it has no paths) holds what was said here, under the day it was said.
    turns, texts = "layer NOT IN (SELECT layer FROM corpora)", "layer IN (SELECT layer FROM corpora)"
    if what.before is not None:
        turns, texts = "layer = 1", "layer IN (SELECT layer FROM corpora WHERE paths = '[]')"
    gone = [
        connection.execute(f"DELETE FROM turns WHERE {' AND '.join([layers, *conditions])}", values).rowcount  # noqa: S608
        for layers in (turns, texts)
    ]
    if what.everything:
        connection.execute("DELETE FROM savings")
        connection.execute("DELETE FROM savings_by_source")
        connection.execute("DELETE FROM evictions")
        connection.execute("DELETE FROM layers WHERE id <> 1")
    connection.execute("UPDATE generation SET number = number + 1, forgotten = forgotten + 1")
    return Deleted(*gone)
