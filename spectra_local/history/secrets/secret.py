"""What a recogniser finds, and two ways to make one of a pattern."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Secret(NamedTuple):
    """``text[start:end]`` is a secret of some ``kind``; only a ``certain`` one is worth looking for elsewhere."""

    start: int
    end: int
    kind: str
    certain: bool = True


Recogniser = Callable[[str], Iterator[Secret]]


def whole(pattern: re.Pattern[str], kind: str, *, certain: bool = True) -> Recogniser:
    """All that ``pattern`` matches."""

    def recognise(text: str) -> Iterator[Secret]:
        for match in pattern.finditer(text):
            yield Secret(match.start(), match.end(), kind, certain)

    return recognise


def groups(pattern: re.Pattern[str], kind: str) -> Recogniser:
    """What stands in the groups of ``pattern``."""

    def recognise(text: str) -> Iterator[Secret]:
        for match in pattern.finditer(text):
            for group in range(1, pattern.groups + 1):
                if value := match.group(group):
                    yield Secret(match.start(group), match.end(group), kind, is_telling(value))

    return recognise


def is_telling(value: str) -> bool:
    """Whether ``value`` is so unlike a word or a name in code that it is worth looking for elsewhere."""
    if len(value) < 6:
        return False
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    one_case = len(value) >= 16 and value.isalpha() and (value.islower() or value.isupper())  # too long for a word
    is_code = "(" in value or value.isidentifier() or "." in value.strip(".")
    return mixed or one_case or (len(value) >= 12 and not is_code)
