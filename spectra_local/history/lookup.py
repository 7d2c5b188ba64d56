"""What a history is to those who draft from it: earlier text that can be searched and read on from.

Works on token ids. Knows neither what keeps the text nor what the continuations are good for.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

# Who wrote a piece of history, or that nobody here said it (a corpus): each is evidence of its own.
BY_MODEL, BY_USER, IMPORTED, RETRIEVED = range(4)
SAID, CORPUS = "history", "corpus"  # names of histories: what was said, and text that nobody said here
# Tokens that a match has at least. Replays of two projects' requests beside other files of theirs: of a corpus, matches
# of 4 to 15 tokens, where they are all there is, took 1 to 2 % of what its dictionaries brought, and cost more to find.
SHORT, LONG = 4, 16


class Match(NamedTuple):
    """A place in a history whose preceding tokens equal the end of the context."""

    length: int  # equal tokens before ``position``
    position: int  # of the token that followed there
    origin: int = BY_MODEL  # who wrote that token: BY_MODEL, BY_USER, IMPORTED or RETRIEVED
    whole: bool = False  # nothing before it differs: the context or the record begins there


class History(Protocol):
    """Earlier text that can be searched for the end of the context and read on from there.

    The personal store is one; a replay keeps one in memory. Records never run into each other: a match does not
    reach back over a record's start, and ``following`` stops at its end.
    """

    @property
    def name(self) -> str:
        """Names the source in statistics and calibration, e.g. "history"."""
        ...

    def matches(self, context: Sequence[int], limit: int) -> Sequence[Match]:
        """At most ``limit`` matches with the end of ``context``, longest first, the most recent first among equals."""
        ...

    def following(self, position: int, count: int) -> Sequence[int]:
        """The tokens from ``position`` on, at most ``count``, fewer where the record ends."""
        ...
