"""Twelve words and more in a row that restore a wallet, without a word that says so.

The wordlists hold words of three to eight letters, and none of the small words without which no sentence gets so long.
"""

import re
from collections.abc import Iterator

from spectra_local.history.secrets.secret import Secret

_BETWEEN = r"(?: |, ?|\n|\s{0,2}\d{1,2}[.):]? ?| ?\| ?)"
_WORD = "[a-zß-öø-ÿœāа-яё]{3,8}"
_ROW = re.compile(rf"(?<![^\W\d_])(?:{_WORD}{_BETWEEN}){{11,24}}{_WORD}(?![^\W\d_])")
_IDEOGRAMS = re.compile(
    r"(?<!\w)(?:[\u4e00-\u9fff] ){11,23}[\u4e00-\u9fff](?!\w)|(?<!\w)(?:[\u3040-\u309f]{2,8}[ 　]){11,23}[\u3040-\u309f]{2,8}"
)
_SMALL_WORDS = frozenset(
    (  # noqa: SIM905 - shorter than quoted words
        "the and for are was were with not but from have has had you your their his her its our she him them who which been "
        "der die das und ist von mit den dem ein eine nicht les des une est dans pour que qui del los las una por con para gli che "
        "non per una het een van voor niet nie jest что это как для def return import class self none true false"
    ).split()
)


_LENGTHS = (24, 21, 18, 15, 12)  # in words
_ANY_WORD = re.compile(r"[^\W\d_]+")


def end_of_phrase(text: str, start: int, end: int) -> int:
    """Where the phrase ends in ``text[start:end]``, which may go on with words of the next line."""
    ends = [word.end() for word in _ANY_WORD.finditer(text, start, end)]
    length = next((n for n in _LENGTHS if n <= len(ends)), len(ends))
    return ends[length - 1] if "\n" in text[ends[length - 1] : end] else end


def _phrases(text: str) -> Iterator[Secret]:
    for match in _ROW.finditer(text):
        words = re.findall(r"[^\W\d_]+", match.group())
        if not _SMALL_WORDS & set(words) and len(set(words)) > len(words) // 2:
            yield Secret(match.start(), end_of_phrase(text, *match.span()), "recovery phrase")
    for match in _IDEOGRAMS.finditer(text):
        yield Secret(match.start(), match.end(), "recovery phrase")


RECOGNISERS = (_phrases,)
