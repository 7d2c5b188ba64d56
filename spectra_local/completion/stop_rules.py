"""Where a suggestion ends, judged by the text around the gap while it grows. Knows text only, no model and no clock.

Each rule is a function of the growing text and of the surroundings; it returns how many characters to keep, or None to
let it grow. The rules are those that llama.vim, Tabby and Continue were found to need.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from difflib import SequenceMatcher

_SIMILAR = 0.9  # of two lines; taken as a repeat only where the next line repeats too
_LEAST_WORD_CHARS = 3  # a line with fewer, like "}" or "])", says nothing by coming again
_TAB = 8
_LOOK_BACK = 4_000  # characters in which brackets are counted
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_PAIRS.values())
_QUOTES = frozenset("\"'`")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of a gap's surroundings the rules look at."""

    line_before: str  # of the gap's line, what stands before the gap
    rest_of_line: str  # and after it
    below: tuple[str, str]  # the next lines that are not blank, stripped; "" where there is none
    indent_below: int  # of the first of them; -1 where there is none
    _: KW_ONLY
    closes_next: str  # the closing bracket that the suffix begins with and that the gap has no right to; "" if none

    @classmethod
    def of(cls, prefix: str, suffix: str) -> "Surroundings":
        """Those of the gap between ``prefix`` and ``suffix`` (lines end in "\\n")."""
        rest, _, following = suffix.partition("\n")
        filled = [line for line in following.split("\n", 64)[:64] if line.strip()]
        lines = [line.strip() for line in filled[:2]] + ["", ""]
        return cls(
            prefix[prefix.rfind("\n") + 1 :],
            rest,
            (lines[0], lines[1]),
            _indent(filled[0]) if filled else -1,
            closes_next=_reserved_closer(prefix, suffix),
        )


def kept_length(text: str, around: Surroundings) -> int | None:
    """How much of ``text`` to keep where a rule ends it; None where it may go on."""
    cuts = [cut for rule in RULES if (cut := rule(text, around)) is not None]
    return min(cuts) if cuts else None


def dedent(text: str, around: Surroundings) -> int | None:
    """Cuts before a line that leaves the block of the gap.

    Less indented lines are let through as far as the text below shows that the outer blocks are still open.
    """
    at = text.find("\n") + 1
    if not at:
        return None
    base = _indent(around.line_before + text[: at - 1])
    below = around.indent_below
    floor = base if below >= base else max(below, min(base, 1))
    while at:
        end = text.find("\n", at)
        line = text[at : end if end >= 0 else len(text)]
        if line.strip() and _indent(line) < floor and line.strip()[0] not in _CLOSING:
            return at - 1
        at = end + 1
    return None


def closing_bracket(text: str, around: Surroundings) -> int | None:
    """Cuts before the bracket that closes what the suffix itself closes."""
    if not around.closes_next:
        return None
    open_here: list[str] = []
    quote = ""
    for at, c in enumerate(text):
        if quote:
            if c == "\n" or (c == quote and text[at - 1] != "\\"):
                quote = ""
        elif c in _QUOTES:
            quote = c if c in text[at + 1 :].partition("\n")[0] else ""
        elif c in _PAIRS:
            open_here.append(_PAIRS[c])
        elif open_here and c == open_here[-1]:
            open_here.pop()
        elif c == around.closes_next and not open_here:
            return at
    return None


def repeats_below(text: str, around: Surroundings) -> int | None:
    """Cuts before a finished line that is the one below, or before two that are nearly the two below."""
    first, second = around.below
    if not says_something(first):
        return None
    lines = text.split("\n")[:-1]
    at = 0
    for i, line in enumerate(lines):
        whole = (around.line_before if i == 0 else "") + line
        if whole.split() == first.split():
            return max(0, at - 1)
        if i and may_repeat_below(lines[i - 1], around) and _similar(line, second):
            return max(0, at - len(lines[i - 1]) - 2)
        at += len(line) + 1
    return None


def may_repeat_below(line: str, around: Surroundings) -> bool:
    """Whether a finished line is nearly the one below, so that the line after it decides what it is."""
    return bool(around.below[1]) and _similar(line, around.below[0])


def repeats_rest_of_line(text: str, around: Surroundings) -> int | None:
    """Cuts before what stands behind the gap in its own line, where a finished line ends in that."""
    rest = around.rest_of_line.rstrip()
    if not says_something(rest):
        return None
    at = 0
    for line in text.split("\n")[:-1]:
        if (cut := without_end(line.rstrip(), rest)) is not None:
            return at + len(cut)
        at += len(line) + 1
    return None


def without_end(line: str, rest: str) -> str | None:
    """``line`` without ``rest``, the end of the gap's line, at its end; None where it does not stand there."""
    for end in (rest, rest.lstrip()):
        if end and line.endswith(end):
            return line[: -len(end)]
    return None


RULES: tuple[Callable[[str, Surroundings], int | None], ...] = (
    dedent,
    closing_bracket,
    repeats_below,
    repeats_rest_of_line,
)


def _similar(a: str, b: str) -> bool:
    return SequenceMatcher(None, a.strip(), b.strip()).ratio() > _SIMILAR


def says_something(line: str) -> bool:
    """Whether it holds more than brackets and signs, which come again everywhere."""
    return sum(map(str.isalnum, line)) >= _LEAST_WORD_CHARS


def _indent(line: str) -> int:
    """Columns before the first character that is no space."""
    expanded = line.expandtabs(_TAB)
    return len(expanded) - len(expanded.lstrip(" "))


def _reserved_closer(prefix: str, suffix: str) -> str:
    """The bracket that ``suffix`` begins with, where each bracket that ``prefix`` leaves open is closed there."""
    first = suffix.lstrip()[:1]
    if first not in _CLOSING:
        return ""
    left_open, left_over = _unmatched(prefix[-_LOOK_BACK:])[1], _unmatched(suffix[:_LOOK_BACK])[0]
    return first if left_open.count(first) <= left_over.count(first) else ""


def _unmatched(text: str) -> tuple[list[str], list[str]]:
    """Closing brackets of ``text`` that nothing in it opens; closing brackets that it still needs."""
    over: list[str] = []
    needed: list[str] = []
    for c in text:
        if c in _PAIRS:
            needed.append(_PAIRS[c])
        elif c in _CLOSING:
            if needed and needed[-1] == c:
                needed.pop()
            else:
                over.append(c)
    return over, needed
