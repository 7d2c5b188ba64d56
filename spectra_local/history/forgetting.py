"""What a user wants gone, and the turns that fit it. Knows the table of turns, no files and no chats."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forget:
    """All that is given must fit; ``everything`` stands alone."""

    conversation: str | None = None  # as turns name it: "chat-7" for a saved chat
    containing: str | None = None  # in any case
    before: float | None = None  # seconds since 1970
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


def delete_turns(connection: sqlite3.Connection, what: Forget) -> int:
    """Inside a transaction: deletes the turns of every layer that fit; returns how many."""
    conditions, values = ["1"], list[object]()
    if what.conversation:
        conditions, values = [*conditions, "conversation = ?"], [*values, what.conversation]
    if what.before is not None:
        conditions, values = [*conditions, "ts < ?"], [*values, what.before]
    if what.containing:
        conditions.append("said(text, beyond)")
        connection.create_function("said", 2, lambda *texts: what.fits(*map(str, texts)), deterministic=True)
    gone = connection.execute(f"DELETE FROM turns WHERE {' AND '.join(conditions)}", values).rowcount  # noqa: S608
    if what.everything:
        connection.execute("DELETE FROM savings")
        connection.execute("DELETE FROM savings_by_source")
        connection.execute("DELETE FROM layers WHERE id <> 1")
    connection.execute("UPDATE generation SET number = number + 1, forgotten = forgotten + 1")
    return gone
