"""A prompt as pieces that are tokenised apart, so that no text of a user or a file can become a control token.

Knows texts only: no model, no template.
"""

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

# Noncharacters of the private planes: no text that means something contains one.
_MARK_RANGE = range(0xF0000, 0xFFFFE)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a prompt, tokenised apart from its neighbours (see ``prompt_tokens``).

    Control tokens are recognised where ``special``; elsewhere the same characters are text.
    """

    text: str
    special: bool


class SpanBuilder:
    """Collects a prompt. Neighbours of one kind become one span: tokenised apart, their merges would differ."""

    def __init__(self) -> None:
        self._pieces: list[tuple[bool, list[str]]] = []

    def control(self, text: str) -> "SpanBuilder":
        """Appends control tokens, and nothing but control tokens."""
        return self._append(True, text)

    def plain(self, text: str) -> "SpanBuilder":
        """Appends text."""
        return self._append(False, text)

    def spans(self) -> list[Span]:
        """What was appended so far."""
        return [Span("".join(texts), special) for special, texts in self._pieces]

    def _append(self, special: bool, text: str) -> "SpanBuilder":
        if text:
            if not self._pieces or self._pieces[-1][0] != special:
                self._pieces.append((special, []))
            self._pieces[-1][1].append(text)
        return self


def joined(spans: Iterable[Span]) -> str:
    """The prompt as one text."""
    return "".join(span.text for span in spans)


class Disarmer:
    """Takes control tokens out of contents before a template sees them, and puts them back as text afterwards.

    Contents cannot be found again in a rendered prompt with certainty (a template may trim or repeat them, and
    "<|im_end|>" is in every prompt). So a mark is put behind the first character of whatever reads like a control
    token in a content. After rendering, each whole control token is the template's own; then the marks go away.
    """

    def __init__(self, control_tokens: Collection[str], texts: Collection[str]) -> None:
        """``texts``: everything that will be rendered; the mark occurs in none of it."""
        self._control = re.compile(_either(control_tokens))
        self._start = _start_of(control_tokens)
        self._mark = _unused_mark(texts)

    def disarmed(self, content: str) -> str:
        """``content`` with a mark in each control token."""
        return self._start.sub(lambda match: match[0] + self._mark, content)

    def spans(self, rendered: str) -> list[Span]:
        """A rendered prompt cut at its control tokens, marks removed."""
        builder = SpanBuilder()
        position = 0
        for match in self._control.finditer(rendered):
            builder.plain(rendered[position : match.start()].replace(self._mark, "")).control(match[0])
            position = match.end()
        return builder.plain(rendered[position:].replace(self._mark, "")).spans()


def broken_up(spans: Iterable[Span], tokens: Collection[str]) -> list[Span]:
    """Cuts plain spans behind the first character of each of ``tokens``: tokenised apart, it cannot come together."""
    start = _start_of(tokens)
    pieces = []
    for span in spans:
        cuts = [] if span.special else [match.end() for match in start.finditer(span.text)]
        bounds = pairwise([0, *cuts, len(span.text)])
        pieces += [Span(span.text[begin:end], span.special) for begin, end in bounds if begin < end]
    return pieces


def _either(tokens: Collection[str]) -> str:
    """A pattern for the longest of ``tokens``. One character cannot be broken up: such tokens are left out."""
    names = sorted((token for token in tokens if len(token) > 1), key=len, reverse=True)
    if not names:
        return "(?!)"
    # A look at the first character spares the thousand names that some vocabularies have.
    first = re.escape("".join({name[0] for name in names}))
    return f"(?=[{first}])(?:{'|'.join(map(re.escape, names))})"


def _start_of(tokens: Collection[str]) -> re.Pattern[str]:
    return re.compile(f"(?={_either(tokens)}).", re.DOTALL)


def _unused_mark(texts: Collection[str]) -> str:
    while True:
        mark = chr(secrets.choice(_MARK_RANGE))
        if not any(mark in text for text in texts):
            return mark
