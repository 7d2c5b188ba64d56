"""A document that an editor holds, kept as LSP describes it: lines end at CR, LF or CRLF, columns count code units.

pygls' own cuts lines at form feeds and line separators too, and a change or a suggestion below one lands in a wrong
line; and it walks all lines for each change, a tenth of a second for 50,000. Knows no editor and no model.
"""

import re
from dataclasses import dataclass
from itertools import islice

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

from spectra_local.text_file import LINE_END

_HALF = re.compile("[\ud800-\udfff]")


class Document(TextDocument):
    """As pygls' own, with its changes applied at the places that LSP means."""

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Replaces a range, or all."""
        if not isinstance(change, types.TextDocumentContentChangePartial):
            self._source = change.text
            return
        source = self.source
        start, end = (place_at(source, at, self.position_codec) for at in (change.range.start, change.range.end))
        after = max(start.offset, end.offset)
        if not start.n_inside and not end.n_inside:
            self._source = source[: start.offset] + change.text + source[after:]
            return
        # Some editors replace one half of a pair where two emoji share the other.
        before = source[: start.offset] + _halves(source[start.offset : start.offset + 1])[: start.n_inside]
        rest = _halves(source[after : after + 1])[end.n_inside :] + source[after + 1 :]
        self._source = _joined(before + change.text + rest)

    def offset_at_position(self, client_position: types.Position) -> int:
        """Characters before a position; one outside the text counts as the nearest inside."""
        return place_at(self.source, client_position, self.position_codec).offset


@dataclass(frozen=True, slots=True)
class Place:
    """Of a text: the characters before it, and its position as an editor counts."""

    offset: int
    position: types.Position
    n_inside: int = 0  # units by which the position that was asked for stands inside the character that follows


def place_at(text: str, position: types.Position, codec: PositionCodec) -> Place:
    """The place of ``position``: behind a line's end means there, below the last line the end of the text.

    Inside a character, as between the halves of a surrogate pair, it is before that.
    """
    start = 0
    if position.line > 0:
        above = next(islice(LINE_END.finditer(text), position.line - 1, None), None)
        if above is None:
            return _end_of(text, codec)
        start = above.end()
    end = LINE_END.search(text, start)
    line = text[start : end.start() if end else len(text)]
    if line.isascii():
        column = min(max(0, position.character), len(line))
        return Place(start + column, types.Position(position.line, column))
    n_units = 0
    for at, character in enumerate(line):
        n_more = codec.client_num_units(character)
        if n_units + n_more > position.character:
            n_inside = max(0, position.character - n_units)
            return Place(start + at, types.Position(position.line, n_units), n_inside)
        n_units += n_more
    return Place(start + len(line), types.Position(position.line, n_units))


def well_formed(text: str) -> str:
    """``text`` with a sign for each half of a surrogate pair that stands alone: it has no bytes in UTF-8."""
    return _HALF.sub("\ufffd", text)


def _end_of(text: str, codec: PositionCodec) -> Place:
    start, n_lines = 0, 0
    for match in LINE_END.finditer(text):
        start, n_lines = match.end(), n_lines + 1
    return Place(len(text), types.Position(n_lines, codec.client_num_units(text[start:])))


def _halves(character: str) -> str:
    """The code units of UTF-16 of a character, each as one."""
    units = character.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(units[i : i + 2], "little")) for i in range(0, len(units), 2))


def _joined(text: str) -> str:
    """``text`` with each two halves that came together as the character that they are."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
