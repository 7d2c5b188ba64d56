"""Where the characters of a block came from: codes parallel to Markdown source, carried over to the text that is shown.

markdown-it says in which rows a piece of text stands, not at which characters; what is shown is the source without its
marks, so a walk along both finds the rest. Only colour depends on it: a character that is not found stays plain.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby

from textual.content import Span

from tui.tint import STYLES

_SAME_PLACE = 4  # characters that are alike in both, to go on behind a link's address or other marks
_NEARBY = 4  # where a single one is looked for: behind two asterisks, a backslash, a bracket


class Tint:
    """The codes of one source text. Pieces must be asked for in the order in which they stand in it."""

    def __init__(self, source: str, codes: str) -> None:
        """``codes`` is as long as ``source``."""
        self._source, self._codes = source, codes
        self._rows = [0, *accumulate(len(row) + 1 for row in source.split("\n"))]
        self._at = 0

    def spans(self, shown: str, rows: Sequence[int] | None) -> list[Span]:
        """The colours of ``shown``, which stands in the source's rows ``rows[0]`` to ``rows[1]``, the last left out."""
        if not rows:
            return []
        self._at = max(self._at, self._rows[rows[0]])
        end = self._rows[min(rows[1], len(self._rows) - 1)]
        if not self._codes[self._at : end].strip():
            return []
        spans, position = [], 0
        for code, run in groupby(self._walk(shown, end)):
            length = len(list(run))
            if style := STYLES.get(code):
                spans.append(Span(position, position + length, style))
            position += length
        return spans

    def _walk(self, shown: str, end: int) -> Iterator[str]:
        """The code of each character of ``shown``, "" where it is not found."""
        source, at = self._source, self._at
        for index, character in enumerate(shown):
            if at < end and source[at] == character:
                found = at
            else:
                found = source.find(shown[index : index + _SAME_PLACE], at, end)
                if found < 0:
                    found = source.find(character, at, min(end, at + _NEARBY))
            if found < 0:
                yield ""
                continue
            at = found + 1
            yield self._codes[found]
        self._at = at
