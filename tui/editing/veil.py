"""Characters that a terminal must not get, or at which a widget would break a line, hidden reversibly in a text.

Each becomes one private-use character, so that places stay what they are; on the screen it is a visible glyph. Knows
text only.
"""

from spectra_local.errors import SpectraError
from spectra_local.printable import printable

# str.splitlines, with which Textual cuts texts, cuts at these too.
_LINE_BREAKERS = "\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
_SPAN = 0x2100  # all characters in question are below
_HIDDEN = [c for c in map(chr, range(_SPAN)) if c not in "\n\t" and (c in _LINE_BREAKERS or printable(c) != c)]
_BASES = range(0xF0000, 0xFE000, _SPAN)  # plane 15 is private use, and no font of symbols lives there
_LINE_GLYPH = "\u2424"  # of separators that ``printable`` leaves alone


class Veil:
    """Hides the characters of one text, by private-use characters that do not occur in it."""

    def __init__(self, text: str) -> None:
        """Raises SpectraError for a text that uses up the whole private-use plane."""
        used = {ord(c) for c in set(text)}
        base = next((b for b in _BASES if not any(b + ord(c) in used for c in _HIDDEN)), None)
        if base is None:
            raise SpectraError("this text is full of private-use characters; it cannot be shown")
        self._hide = {ord(c): base + ord(c) for c in _HIDDEN}
        self._reveal = {hidden: c for c, hidden in self._hide.items()}
        self._glyphs = {hidden: _glyph(chr(c)) for c, hidden in self._hide.items()}

    def hide(self, text: str) -> str:
        """``text`` as the editor holds it, as long as before."""
        return text.translate(self._hide)

    def reveal(self, text: str) -> str:
        """What was hidden."""
        return text.translate(self._reveal)

    def glyphs(self, text: str) -> str:
        """A hidden text as the screen shows it, as long as before."""
        return text.translate(self._glyphs)


def _glyph(character: str) -> str:
    shown = printable(character)
    return shown if shown != character else _LINE_GLYPH
