"""The one filter that every sink uses: text from a model, a file or an import can move no cursor and set no clipboard.

Control characters become visible glyphs: C0 except newline and tab, DEL, C1, and the bidirectional controls that
reorder a line (Trojan Source, CVE-2021-42574). See DESIGN.md's threats: Textual and plain ``print`` do not sanitise.
"""

_GLYPHS = {c: chr(0x2400 + c) for c in range(0x20) if c not in (0x09, 0x0A)}
_GLYPHS[0x7F] = "\u2421"
_GLYPHS |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")
_GLYPHS |= dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")
_GLYPHS |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # lone surrogates cannot be encoded


def printable(text: str, kept: frozenset[str] = frozenset()) -> str:
    """``text`` with control characters, but for ``kept``, shown instead of obeyed; all else comes back unchanged."""
    if kept:
        return text.translate({code: glyph for code, glyph in _GLYPHS.items() if chr(code) not in kept})
    return text.translate(_GLYPHS)


def printable_line(text: str) -> str:
    """The same on one line: for titles, names and messages."""
    return printable(text.replace("\n", "\u240a").replace("\t", " "))
