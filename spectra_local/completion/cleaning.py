"""A finished suggestion, made fit to be inserted; and how much of a growing one will stay. Knows text only."""

import re

from spectra_local.answer_text import overlap
from spectra_local.completion.stop_rules import Surroundings, may_repeat_below, says_something, without_end

_QUOTES = "\"'`"
_ONE_WORD = re.compile(r"\w+")


def cleaned(text: str, around: Surroundings, *, ended_itself: bool) -> str:
    """What of ``text`` to insert, "" for nothing. ``ended_itself``: the model said that it was finished."""
    if not text.strip():
        return text if ended_itself and _is_space_wanted(text, around) else ""
    if _begins_what_follows(text, around):
        return ""
    text = _without_rest_of_line(text, around.rest_of_line.rstrip())
    if around.rest_of_line.strip():
        return text
    head, newline, last = text.rpartition("\n")
    if not last.strip():
        text = head + newline  # indentation of a line that never came
    return text if ended_itself else text.rstrip()


def repeated_start(text: str, around: Surroundings) -> int | None:
    """How much of the start of a growing text stands before the gap in its line already; None: not to be told yet.

    Drawn suggestions begin the line anew: "return a" after "return ". What may well come twice is left: an item of a
    list, a call in a call.
    """
    head = around.line_before.strip()
    begun = text.lstrip(" \t")
    is_statement = " " in head and not head.endswith(",")
    if not says_something(head) or not (is_statement or _ONE_WORD.fullmatch(head)):
        return 0
    if head.startswith(begun):
        return None
    rest = begun.removeprefix(head)
    if rest == begun or (_is_of_word(head[-1]) and _is_of_word(rest[0])):
        return 0
    if around.line_before[-1].isspace():
        rest = rest.lstrip(" \t")
    return len(text) - len(rest) if rest else None


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def certain_length(text: str, around: Surroundings) -> int:
    """How many characters of a growing text, which no stop rule ends, stay whatever follows."""
    if not text.strip():
        return 0
    kept = text[: _certain_of_lines(text, around)].rstrip()
    rest = around.rest_of_line.rstrip()
    return len(kept) - max(overlap(kept, rest), overlap(kept, rest.lstrip()))  # it may yet end in the rest of the line


def first_line(text: str) -> str:
    """The start of a suggestion up to the end of its first line that says something."""
    end = text.find("\n", len(text) - len(text.lstrip()))
    return text if end < 0 else text[:end]


def _certain_of_lines(text: str, around: Surroundings) -> int:
    newline = text.rfind("\n")
    if newline >= 0 and text[:newline].strip():
        if _begins_what_follows(text[:newline], around):
            return 0
        head, _, line = text[:newline].rpartition("\n")
        kept = head if may_repeat_below(line, around) else text[:newline]  # the next line decides
        return len(kept.rstrip())
    line = text[newline + 1 :] if newline >= 0 else around.line_before + text
    return 0 if around.below[0].startswith(line.strip()) else len(text.rstrip())


def _is_space_wanted(text: str, around: Surroundings) -> bool:
    """Whether white space alone parts what stands on both sides, or indents what follows."""
    before, after = around.line_before, around.rest_of_line
    if not after or after[0].isspace():
        return False
    return "\n" in text or not before.strip() or not before[-1].isspace()


def _begins_what_follows(text: str, around: Surroundings) -> bool:
    """Whether it is only what stands below anyway."""
    lines = [line.split() for line in (around.line_before + text).strip().split("\n")]
    below = [line.split() for line in around.below if line]
    return bool(below) and lines == below[: len(lines)]


def _without_rest_of_line(text: str, rest: str) -> str:
    if rest.strip() in _QUOTES:
        return text[: -len(rest)] if rest and text.endswith(rest) and text.count(rest) % 2 else text
    shorter = without_end(text, rest) if any(map(str.isalnum, rest)) else None
    return text if shorter is None else shorter
