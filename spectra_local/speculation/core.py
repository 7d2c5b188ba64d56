"""SPECTRA-CORE's dictionaries: which tokens follow the last one, two and three, as the model itself weighs them.

Works on token ids; knows nothing of trees. The idea is SPECTRA's (ACL 2025, 10.18653/v1/2025.acl-long.685): N-gram
dictionaries of several sizes, filled from the model's own predicted distribution, accepted or not. Weights instead of
ranks follow STAND. The layout is ours. The forward direction, phrases of any length that begin where the context ends,
is served by match pointers (match.py), which need no second copy of the text.
"""

from collections.abc import Sequence

from spectra_local.speculation.match import TOKEN_BITS

ONE_TOKEN = (1 << TOKEN_BITS) - 1
TWO_TOKENS = (1 << (2 * TOKEN_BITS)) - 1
THREE_TOKENS = (1 << (3 * TOKEN_BITS)) - 1  # longer contexts are the business of match pointers

MOST_SEEN = 32.0  # observations an entry keeps before it is halved: recent beats old
LEAST_SHARE = 0.02  # tokens below it are forgotten when an entry is halved
RANKED = 4  # tokens of an entry that are ever proposed


class Entry:
    """What followed one context: ``seen`` observations, ``weights`` their summed probability by token."""

    __slots__ = ("_ranked", "seen", "weights")

    def __init__(self) -> None:
        self.seen = 0.0
        self.weights: dict[int, float] = {}
        self._ranked: list[int] | None = None

    def add(self, ids: Sequence[int], weights: Sequence[float]) -> None:
        """Adds one observation."""
        known = self.weights
        for token, weight in zip(ids, weights, strict=True):
            known[token] = known.get(token, 0.0) + weight
        self.seen += 1.0
        self._ranked = None
        if self.seen >= MOST_SEEN:
            self.seen *= 0.5
            least = LEAST_SHARE * self.seen
            self.weights = {token: weight * 0.5 for token, weight in known.items() if weight > least}

    def ranked(self) -> list[int]:
        """The likeliest tokens, best first, at most ``RANKED``."""
        if self._ranked is None:
            self._ranked = sorted(self.weights, key=self.weights.__getitem__, reverse=True)[:RANKED]
        return self._ranked


class NgramTable:
    """The last one, two and three tokens -> what followed; one dict a level, keyed by the packed tokens."""

    def __init__(self) -> None:
        self.one: dict[int, Entry] = {}
        self.two: dict[int, Entry] = {}
        self.three: dict[int, Entry] = {}

    def add(self, last_three: int, ids: Sequence[int], weights: Sequence[float]) -> None:
        """Adds one observation after the packed last three tokens, at every level."""
        for level, key in (
            (self.one, last_three & ONE_TOKEN),
            (self.two, last_three & TWO_TOKENS),
            (self.three, last_three),
        ):
            entry = level.get(key)
            if entry is None:
                entry = level[key] = Entry()
            entry.add(ids, weights)

    def longest_first(self, last_three: int) -> list[tuple[int, Entry]]:
        """The known contexts at the end of the packed last three tokens, as (family, entry).

        Families tell a level that stands alone from one below a longer context that was seen too: 0 three tokens;
        1 and 2 two tokens without and with it; 3 and 4 one token without and with two.
        """
        found: list[tuple[int, Entry]] = []
        entry = self.three.get(last_three)
        if entry is not None:
            found.append((0, entry))
        entry = self.two.get(last_three & TWO_TOKENS)
        if entry is not None:
            found.append((2 if found else 1, entry))
        entry = self.one.get(last_three & ONE_TOKEN)
        if entry is not None:
            found.append((4 if found else 3, entry))
        return found
