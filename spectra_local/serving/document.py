"""A document that an editor holds, kept as LSP describes it: lines end at CR, LF or CRLF, columns count code units.

pygls' own cuts lines at form feeds and line separators too, and a change or a suggestion below one lands in a wrong
line; and it walks all lines for each change, a tenth of a second for 50,000. Knows no editor and no model.
"""

import re
from itertools import islice

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

_LINE_END = re.compile(r"\r\n?|\n")


class Document(TextDocument):
    """As pygls' own, with its changes applied at the places that LSP means."""

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Replaces a range, or all."""
        if isinstance(change, types.TextDocumentContentChangePartial):
            start = self.offset_at_position(change.range.start)
            end = max(start, self.offset_at_position(change.range.end))
            self._source = self.source[:start] + change.text + self.source[end:]
        else:
            self._source = change.text

    def offset_at_position(self, client_position: types.Position) -> int:
        """Characters before a position; one outside the text counts as the nearest inside."""
        return offset_at(self.source, client_position, self.position_codec)


def offset_at(text: str, position: types.Position, codec: PositionCodec) -> int:
    """Characters of ``text`` before ``position``; behind a line's end means there, below the last line the end."""
    start = 0
    if position.line > 0:
        above = next(islice(_LINE_END.finditer(text), position.line - 1, None), None)
        if above is None:
            return len(text)
        start = above.end()
    end = _LINE_END.search(text, start)
    line = text[start : end.start() if end else len(text)]
    if line.isascii():
        return start + min(max(0, position.character), len(line))
    n_units = 0
    for at, character in enumerate(line):
        if n_units >= position.character:
            return start + at
        n_units += codec.client_num_units(character)
    return start + len(line)
