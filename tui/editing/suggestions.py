"""What is suggested at the cursor, while it grows and while it is typed through. Knows no widgets and no model."""

import re

from spectra_local.completion.completer import Piece, Suggestion
from spectra_local.completion.suggestion_cache import SuggestionCache
from spectra_local.completion.window import windowed
from spectra_local.protocol import FillIn

MOST_ALTERNATIVES = 4  # further ones are seldom better, and each takes as long as the first
_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+)|\s+")
_MOST_RIGHT = 8  # characters right of the cursor with which a suggestion is still made unasked, as in llama.vim


class Suggestions:
    """One text at a time for one gap, from a cache that typed-through text is served from."""

    def __init__(self) -> None:
        self._cache = SuggestionCache()
        self._asked: FillIn | None = None
        self._grown = ""
        self._further = False  # the running request is for an alternative, which does not show before it is whole
        self._made_for: FillIn | None = None
        self._made: list[str] = []  # alternatives for that gap
        self._dismissed: FillIn | None = None

    def at(self, gap: FillIn) -> str:
        """What to show at ``gap``, "" for nothing."""
        gap = windowed(gap)
        return "" if gap == self._dismissed else self._cache.get(gap) or ""

    def dismiss(self, gap: FillIn) -> None:
        """Nothing more is shown here until something is typed or asked for."""
        self._dismissed = windowed(gap)

    def ask(self, gap: FillIn, *, further: bool = False) -> None:
        """A request for ``gap`` begins; what the one before left unfinished is forgotten."""
        if self._asked is not None and self._grown:
            self._cache.put(self._asked, "")
        self._asked, self._grown, self._further, self._dismissed = windowed(gap), "", further, None

    def receive(self, item: Piece | Suggestion) -> None:
        """What came of the running request."""
        gap = self._asked
        if gap is None:
            return
        if isinstance(item, Piece):
            if not self._further:
                self._grown += item.text
                self._cache.put(gap, self._grown)
        elif item.finish_reason != "cancelled" and not (self._further and item.cached):
            self._grown = ""
            if gap != self._made_for:
                self._made_for, self._made = gap, []
                if self._further and (first := self._cache.get(gap)):
                    self._made.append(first)
            if item.text:
                self._cache.put(gap, item.text)
                if item.text not in self._made:
                    self._made.append(item.text)

    def next(self, gap: FillIn, step: int) -> bool:
        """Shows the next alternative for ``gap``, or the one before. False: there is no other one yet."""
        gap, shown = windowed(gap), self.at(gap)
        made = [text for text in self._made if text] if gap == self._made_for else []
        if shown not in made or len(made) < 2:
            return False
        place = made.index(shown) + step
        if place >= len(made) and len(made) < MOST_ALTERNATIVES:
            return False
        self._cache.put(gap, made[place % len(made)])
        return True

    def place(self, gap: FillIn) -> tuple[int, int]:
        """Which of how many alternatives is shown, from 1; (0, 0) where there is no choice."""
        shown = self.at(gap)
        if windowed(gap) != self._made_for or shown not in self._made or len(self._made) < 2:
            return 0, 0
        return self._made.index(shown) + 1, len(self._made)


def first_word(text: str) -> str:
    """The start of a suggestion up to the end of its first word."""
    match = _WORD.match(text)
    return match[0] if match else text


def worth_asking(gap: FillIn) -> bool:
    """Whether to suggest something unasked: not in the middle of a line, not in an empty file."""
    return len(gap.suffix.partition("\n")[0].strip()) <= _MOST_RIGHT and bool(gap.prefix.strip())
