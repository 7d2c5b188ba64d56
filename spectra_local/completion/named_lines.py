"""Keeps a rewriting to the lines that were named: models repeat what stands around them, and go on into it.

What of an answer is text of the neighbourhood is cut off, where what is left fits into its place; a replacement that
would double text, or tear the text around it, is refused. Knows text only; lines end in "\\n".
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from spectra_local.completion.replacement import ReplacementError, ends_of
from spectra_local.completion.structure import flaw, indent_of

Side = Literal["above", "named", "below"]

_NEAR = 16  # lines of the neighbourhood that are looked at, and as many more as the answer has
_SURE = 0.8  # lines of evidence that the answer has run into the line beside the named ones
_SURE_FROM_AFAR = 2.8  # and that it has run into others
_LEAST_SHARE = 0.5  # of the lines that would be cut off, those that stand in the neighbourhood
_LEAST_SHARE_AT_LAST = 0.1  # where the answer cannot be taken as it is
_WEIGHT_OF_SIGNS = 0.1  # of a line like "}", which comes again everywhere
_WEIGHT_ELSEWHERE = 0.5  # of a line that is indented otherwise than the one it repeats
_WEIGHT_RENAMED = 0.9  # of a line that is one of the neighbourhood but for names that were changed
_WEIGHT_SIMILAR = 0.5  # of a line that has the words of one of the text and more, or at last most of them
_SIMILAR = 0.6
_WEIGHT_NAMED = 1.02  # of a line of the named ones: what may be either is theirs
_BLOCK = 3  # lines in a row that say something
_WORD = re.compile(r"\w+")


def kept_to_named(before: str, old: str, after: str, answer: str) -> str:
    """``answer`` to ``old``, at the margin or indented as it is, as lines to stand between ``before`` and ``after``.

    "" where it holds nothing but them. Raises ReplacementError.
    """
    lines = answer.split("\n")
    said, own = _filled(lines), _filled(old.split("\n"))
    n_near = len(said) + _NEAR
    above, below = _filled(_last(before, n_near)), _filled(_first(after, n_near))
    margin = margin_of(old)
    wrong = ""
    for a, b in _all_cuts(said, above, own, below, _width(margin), len(lines)):
        if not any(map(str.strip, lines[a:b])):
            return ""
        for new in _in_place(lines[a:b], margin, own):
            whole = ends_of(old, new)
            whole += "\n" * (bool(after) and not whole.endswith("\n"))
            found = _doubling(whole, above, own, below) or flaw(before, old, whole, after)
            if not found:
                return ends_of(old, new)
            wrong = wrong or found
    raise ReplacementError(
        f"the model's answer {wrong}; the text stays as it is. "
        "Other words may help, or lines that end where a block does"
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is not blank."""

    number: int
    text: str  # without white space around it
    indent: int
    words: tuple[str, ...]
    signs: str  # all but the words

    @property
    def weight(self) -> float:
        return 1.0 if _is_telling(self.text) else _WEIGHT_OF_SIGNS


@dataclass(frozen=True, slots=True)
class _Match:
    """A line of the answer that is one of the text."""

    line: _Line
    of: _Line
    side: Side
    weight: float


def _filled(lines: Sequence[str]) -> list[_Line]:
    return [
        _Line(number, text, indent_of(line), tuple(_WORD.findall(text)), _WORD.sub("\0", text))
        for number, line in enumerate(lines)
        if (text := line.strip())
    ]


def _all_cuts(
    said: list[_Line], above: list[_Line], own: list[_Line], below: list[_Line], margin: int, n_lines: int
) -> Iterator[tuple[int, int]]:
    """From which to which line the answer may be one to the named lines; what is likeliest first.

    Lines that are merely similar to those around count last, for a new entry of a list is similar to the next one, and
    only where what they leave is known to be the named lines, changed.
    """
    matches = _aligned(said, above, own, below, margin, loosely=False)
    yield from _cuts(said, matches, above, own, below, n_lines, _LEAST_SHARE)
    matches = _aligned(said, above, own, below, margin, loosely=True)
    named = {match.line.number: match.of for match in matches if match.side == "named"}
    for a, b in _cuts(said, matches, above, own, below, n_lines, _LEAST_SHARE_AT_LAST):
        kept = [line.number for line in said if a <= line.number < b]
        if kept and named.get(kept[0]) is own[0] and named.get(kept[-1]) is own[-1]:
            yield a, b


def _cuts(
    said: list[_Line],
    matches: list[_Match],
    above: list[_Line],
    own: list[_Line],
    below: list[_Line],
    n_lines: int,
    share: float,
) -> list[tuple[int, int]]:
    starts, ends = [0], [n_lines]
    for last in reversed([match for match in matches if match.side == "above"]):
        evidence = _evidence([line for line in said if line.number <= last.line.number], matches, "above", share)
        is_sure = evidence >= _SURE and last.of.text == above[-1].text
        if is_sure or evidence >= _SURE_FROM_AFAR:
            starts.insert(0 if is_sure and not _are_same(said[:1], own[:1]) else 1, last.line.number + 1)
            break
    for first in [match for match in matches if match.side == "below"]:
        evidence = _evidence([line for line in said if line.number >= first.line.number], matches, "below", share)
        is_sure = evidence >= _SURE and first.of.text == below[0].text
        if is_sure or evidence >= _SURE_FROM_AFAR:
            ends.insert(0 if is_sure and not _are_same(said[-1:], own[-1:]) else 1, first.line.number)
            break
    return [(a, max(a, b)) for b in ends for a in starts]


def _are_same(a: list[_Line], b: list[_Line]) -> bool:
    """Whether an answer begins, or ends, as the named lines do: then it is most likely one to them as it is."""
    return [line.text for line in a] == [line.text for line in b] and all(_is_telling(line.text) for line in a)


def _evidence(lines: list[_Line], matches: list[_Match], side: Side, share: float) -> float:
    """How many ``lines`` of the answer are known from that side; 0 where less than such a share of them is."""
    numbers = {line.number for line in lines}
    weights = [match.weight for match in matches if match.side == side and match.line.number in numbers]
    return sum(weights) if len(weights) >= share * len(lines) else 0.0


def _renames(own: list[_Line], answer: list[_Line]) -> set[tuple[str, str]]:
    """Words of named lines and what became of them, where a line differs in some words and in nothing else."""
    said, stood = {line.text for line in answer}, {line.text for line in own}
    gone, come = [x for x in own if x.text not in said], [x for x in answer if x.text not in stood]
    return {
        pair
        for old in gone
        for new in come
        if old.signs == new.signs and 2 * len(old.words) >= _n_equal(old.words, new.words) * 2 >= len(old.words)
        for pair in zip(old.words, new.words, strict=True)
        if pair[0] != pair[1]
    }


def _n_equal(a: Sequence[str], b: Sequence[str]) -> int:
    return sum(x == y for x, y in zip(a, b, strict=True))


def _aligned(
    answer: list[_Line], above: list[_Line], own: list[_Line], below: list[_Line], margin: int, *, loosely: bool
) -> list[_Match]:
    """The answer's lines that stand in the text, in its order: the heaviest such sequence."""
    renames = _renames(own, answer)
    shifts = {0, margin, *_usual_shift(own, answer)}
    sides: tuple[tuple[Side, list[_Line]], ...] = (("above", above), ("named", own), ("below", below))
    text = [(side, line) for side, lines in sides for line in lines]
    weights = [[_weight(line, of, side, shifts, renames) for side, of in text] for line in answer]
    if loosely:
        weights = [
            [weight or _similarity(line, of, side, shifts) for weight, (side, of) in zip(row, text, strict=True)]
            for row, line in zip(weights, answer, strict=True)
        ]
    best = [[0.0] * (len(text) + 1) for _ in range(len(answer) + 1)]
    for i, row in enumerate(weights):
        above_row, here = best[i], best[i + 1]
        for k, weight in enumerate(row):
            most = max(above_row[k + 1], here[k])
            here[k + 1] = max(most, above_row[k] + weight) if weight else most
    matches: list[_Match] = []
    i, k = len(answer), len(text)
    while i and k:
        if best[i][k] == best[i][k - 1]:
            k -= 1
        elif best[i][k] == best[i - 1][k]:
            i -= 1
        else:
            i, k = i - 1, k - 1
            matches.append(_Match(answer[i], text[k][1], text[k][0], weights[i][k]))
    return matches[::-1]


def _usual_shift(own: list[_Line], answer: list[_Line]) -> list[int]:
    """By how much most of the named lines that the answer holds are moved to the left."""
    known = {line.text: line.indent for line in own}
    return [n for n, _ in Counter(known[x.text] - x.indent for x in answer if x.text in known).most_common(1)]


def _weight(line: _Line, of: _Line, side: Side, shifts: set[int], renames: set[tuple[str, str]]) -> float:
    """How much it says that a line of the answer is that one of the text; 0 where it is not."""
    in_place = of.indent - line.indent in shifts
    if line.text == of.text:
        return of.weight * (_WEIGHT_NAMED if side == "named" else 1.0 if in_place else _WEIGHT_ELSEWHERE)
    if side == "named":
        return _WEIGHT_SIMILAR * _WEIGHT_NAMED if _is_longer(line, of) else 0.0
    if not in_place:
        return 0.0
    if renames and line.signs == of.signs:
        changed = {pair for pair in zip(of.words, line.words, strict=True) if pair[0] != pair[1]}
        return _WEIGHT_RENAMED * of.weight if changed <= renames else 0.0
    return _WEIGHT_SIMILAR if _is_longer(line, of) else 0.0


def _is_longer(line: _Line, of: _Line) -> bool:
    """Whether it begins as the other and has all its words in their order, among more: one condition was added."""
    if len(of.words) < 2 or line.words[:1] != of.words[:1] or len(line.words) <= len(of.words):
        return False
    words = iter(line.words)
    return all(word in words for word in of.words)


def _similarity(line: _Line, of: _Line, side: Side, shifts: set[int]) -> float:
    if side != "named" and of.indent - line.indent not in shifts:
        return 0.0
    n_words = len(line.words) + len(of.words)
    if not n_words or 2 * min(len(line.words), len(of.words)) < _SIMILAR * n_words:
        return 0.0
    n_shared = sum((Counter(line.words) & Counter(of.words)).values())
    weight = _WEIGHT_SIMILAR * (_WEIGHT_NAMED if side == "named" else 1.0)
    return weight if 2 * n_shared >= _SIMILAR * n_words else 0.0


def _doubling(new: str, above: list[_Line], own: list[_Line], below: list[_Line]) -> str:
    """What of the neighbourhood ``new`` says again, in words; "" where nothing."""
    lines, stood = _as_they_stand(_filled(new.split("\n"))), _as_they_stand(own)
    over, under = _as_they_stand(above), _as_they_stand(below)
    for n in range(1, len(lines) + 1):
        if lines[:n] == over[-n:] != stood[:n] and _any_telling(lines[:n]):
            return "repeats the lines before the named ones"
        if lines[-n:] == under[:n] != stood[-n:] and _any_telling(lines[-n:]):
            return "repeats the lines after the named ones"
    if (_blocks(lines) - _blocks(stood)) & (_blocks(over) | _blocks(under)):
        return "repeats lines that stand near the named ones"
    return ""


def _as_they_stand(lines: list[_Line]) -> list[tuple[int, str]]:
    return [(line.indent, line.text) for line in lines]


def _any_telling(lines: list[tuple[int, str]]) -> bool:
    return any(_is_telling(text) for _, text in lines)


def _is_telling(line: str) -> bool:
    """Whether it holds more than brackets and signs, which come again everywhere."""
    return any(map(str.isalnum, line))


def _blocks(lines: list[tuple[int, str]]) -> set[tuple[tuple[int, str], ...]]:
    """Each so many lines in a row, indented as they are among themselves: elsewhere they would be doubled too."""
    telling = [line for line in lines if _is_telling(line[1])]
    rows = (telling[i : i + _BLOCK] for i in range(len(telling) - _BLOCK + 1))
    return {tuple((indent - row[0][0], text) for indent, text in row) for row in rows}


def margin_of(text: str) -> str:
    """The white space that all lines begin with."""
    lines = [line for line in text.split("\n") if line.strip()]
    margin = min((line[: len(line) - len(line.lstrip())] for line in lines), key=len, default="")
    while margin and not all(line.startswith(margin) for line in lines):
        margin = margin[:-1]
    return margin


def _in_place(lines: list[str], margin: str, own: list[_Line]) -> Iterator[str]:
    """``lines`` indented as their place may want it; what is likeliest first.

    Models answer from the margin, as they are asked to, or as the text was shown.
    """
    said, usual = _filled(lines), _width(margin)
    shifts = [0, usual] if all(line.startswith(margin) for line in lines if line.strip()) else [usual, 0]
    if said[0].text == own[0].text:
        shifts.insert(0, own[0].indent - said[0].indent)
    for shift in dict.fromkeys((*shifts, *_usual_shift(own, said))):
        added = margin if shift == usual else " " * shift
        if shift >= 0 or all(line.startswith(" " * -shift) for line in lines if line.strip()):
            yield "\n".join(added + line[max(0, -shift) :] if line.strip() else line for line in lines)


def _width(margin: str) -> int:
    return indent_of(f"{margin}x")


def _last(text: str, n: int) -> list[str]:
    return text.rsplit("\n", n + 1)[1:] if text.count("\n") > n else text.split("\n")


def _first(text: str, n: int) -> list[str]:
    return text.split("\n", n)[:n]
