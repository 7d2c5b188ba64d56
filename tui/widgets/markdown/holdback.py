"""Which end of a growing text not to show yet: the start of a line that could still become any of several blocks.

Knows nothing of widgets. "-" under a paragraph is a heading for one frame and a list in the next; held back, it does
not jump.
"""

import re

# Markers of lists, headings, quotes, rules, fences and tables, and nothing after them.
_AMBIGUOUS_LINE = re.compile(r"[ \t]*(?:[-+*=_#>`~|]+|\d{1,9}[.)]?)[ \t]*\Z")
# The box of a task; a backslash may begin a formula, and is never shown alone.
_BOX_BEGUN = re.compile(r"[ \t>]*(?:[-+*]|\d{1,9}[.)])[ \t]+\[(?:[ xX](?:\][ \t]*)?)?\Z")
_LONGEST_MARKER = 80  # a longer run is a rule or a table, whatever follows


def ready_length(text: str) -> int:
    """How many characters of ``text`` can be shown now; the rest waits for what comes after it."""
    start = text.rfind("\n") + 1
    if len(text) - start > _LONGEST_MARKER:
        return len(text)
    ambiguous = _AMBIGUOUS_LINE.match(text, start) or _BOX_BEGUN.match(text, start)
    return start if ambiguous else len(text)
