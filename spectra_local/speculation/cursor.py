"""Reads along in texts outside the context: a history's best matches, and the text a caller expects.

Works on token ids. A cursor that foresaw the accepted tokens moves on without a new search.
"""

from collections.abc import Iterable, Sequence

from spectra_local.history import lookup
from spectra_local.history.lookup import BY_MODEL, BY_USER, IMPORTED, RETRIEVED, History, Match
from spectra_local.speculation.match import AGAIN, ASKED, COPYING, CORPUS, HISTORY, IMPORT, PREDICTION, Pointer

AHEAD = 160  # tokens read from a history at once: one widest draft and some more
PLACES = 6  # matches followed in a history
_SOURCE = {BY_MODEL: HISTORY, BY_USER: ASKED, IMPORTED: IMPORT, RETRIEVED: CORPUS}
_FROM_HISTORY = frozenset(_SOURCE.values())
FORM = 64  # tokens at a prompt's end that many requests may share; measured: 37 at the end of a rewriting's
SETTLED = 32  # tokens of match from which a cursor is not searched anew
A_PROMPT = 8  # tokens before the answer over which a match that is whole tells that the same was asked


class HistoryCursor:
    """The places of one history that agree with the end of the context."""

    def __init__(self, history: History, prompt_n: int = 0) -> None:
        self._history = history
        self._prompt_n = prompt_n
        self._pointers: list[Pointer] = []
        self._is_corpus = history.name == lookup.CORPUS
        # A corpus is searched at some places only: what was found elsewhere would not be found again.
        self._settled = lookup.LONG if self._is_corpus else SETTLED

    def pointers(self, context: Sequence[int], others: Iterable[Pointer] = ()) -> list[Pointer]:
        """The longest matches with the end of ``context``, as places to read on from. A corpus is not searched where
        ``others`` agree over enough: it would hardly have a say."""
        if self._is_corpus and max((p.length for p in others), default=0) >= COPYING:
            return self._pointers
        if not any(p.length >= self._settled for p in self._pointers):
            history = self._history
            found = [(m, history.following(m.position, AHEAD)) for m in history.matches(context, PLACES)]
            asked_n = len(context) - self._prompt_n + A_PROMPT
            self._pointers = [Pointer(m.length, _source(m, asked_n), tokens, 0, -1) for m, tokens in found if tokens]
        return self._pointers

    def advance(self, accepted: Sequence[int]) -> None:
        """Moves the pointers that foresaw ``accepted`` on and drops the others."""
        count, kept = len(accepted), []
        for length, source, tokens, at, wrap in self._pointers:
            # A pointer near the end of what was read is dropped too: a new search reads on.
            read_on = at + count + AHEAD // 5 > len(tokens) == AHEAD
            if not read_on and at + count < len(tokens) and list(tokens[at : at + count]) == list(accepted):
                kept.append(Pointer(length + count, source, tokens, at + count, wrap))
        self._pointers = kept


def _source(match: Match, asked_n: int) -> int:
    """``asked_n``: tokens that a match has at least which reaches back into the prompt far enough to know it again."""
    if match.whole and match.origin == BY_MODEL and match.length >= asked_n:
        return AGAIN
    return _SOURCE[match.origin]


class PredictionCursor:
    """Where the answer stands in the text that the caller expects; re-aligned after each mismatch."""

    TRUST = 16  # length of match that its beginning counts as: the caller said so; 6 and 40 were slower in replays
    ANCHOR = 2  # tokens that must agree to re-align

    def __init__(self, prediction: Sequence[int]) -> None:
        self._tokens = list(prediction)
        self._at = 0
        self._length = self.TRUST
        self._recent: list[int] = []
        self._places: dict[tuple[int, ...], list[int]] = {}
        for at in range(self.ANCHOR, len(self._tokens)):
            self._places.setdefault(tuple(self._tokens[at - self.ANCHOR : at]), []).append(at)

    def pointers(self) -> list[Pointer]:
        """One place to read on from; none while the answer is off the prediction."""
        if self._length and self._at < len(self._tokens):
            return [Pointer(self._length, PREDICTION, self._tokens, self._at, -1)]
        return []

    def put_first(self, others: list[Pointer], answered: int) -> list[Pointer]:
        """This one's pointer with the ``others``, but for those into a history that the caller knows better than.

        Requests of one form (rewrite this, ...) end in the same words: earlier answers match them, by dozens of tokens,
        whatever this one is about. Such a match counts against a prediction only where it reaches further back.
        ``answered``: tokens of the answer so far.
        """
        mine = self.pointers()
        if mine and self._length >= self.TRUST:
            others = [each for each in others if each.source not in _FROM_HISTORY or each.length >= answered + FORM]
        return others + mine

    def advance(self, accepted: Sequence[int]) -> None:
        """Follows the accepted tokens."""
        for token in accepted:
            self._recent = [*self._recent[1 - self.ANCHOR :], token]
            if self._length and self._at < len(self._tokens) and self._tokens[self._at] == token:
                self._at += 1
                self._length += 1
            else:
                self._realign()

    def _realign(self) -> None:
        """To the nearest place that the last tokens lead to, forward of the old one where there is one."""
        self._length = 0
        places = self._places.get(tuple(self._recent))
        if places:
            self._at = min(places, key=lambda at: (at <= self._at, abs(at - self._at)))
            self._length = self.ANCHOR
