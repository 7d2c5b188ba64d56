"""Spans as the token ids that llama.cpp has for the whole prompt, while what users wrote stays text.

llama.cpp cuts a prompt at its special tokens, takes the space away that some of them swallow (as in Phi-3),
and tokenises what lies between apart. Here the cuts are given: those of the template, and no others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from spectra_local.llama.prompt_spans import Span

_SPACE = " \t\n\v\f\r"  # C's isspace
_ANCHOR = "\n"


class Vocabulary(Protocol):
    """What is needed of a loaded model."""

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of ``text``."""
        ...

    def is_special(self, token: int) -> bool:
        """Whether ``token`` is found by name instead of being merged from characters."""
        ...

    def swallows_space(self, token: int) -> tuple[bool, bool]:
        """Whether ``token`` takes the space before it away, and that behind it."""
        ...


@dataclass(slots=True)
class _Piece:
    """Special tokens, or a text that is tokenised by itself."""

    tokens: list[int]
    text: str = ""
    joins: bool = False  # spelled-out special text, which belongs to the text around it


def prompt_tokens(spans: Iterable[Span], vocabulary: Vocabulary) -> list[int]:
    """Token ids of a prompt. Control tokens come from special spans only."""
    pieces = _pieces(spans, vocabulary)
    tokens: list[int] = []
    for number, piece in enumerate(pieces):
        if piece.tokens:
            tokens += piece.tokens
            continue
        text = piece.text
        before = pieces[number - 1].tokens if number else []
        behind = pieces[number + 1].tokens if number + 1 < len(pieces) else []
        if before and vocabulary.swallows_space(before[-1])[1]:
            text = text.lstrip(_SPACE)
        if behind and vocabulary.swallows_space(behind[0])[0]:
            text = text.rstrip(_SPACE)
        if text:
            tokens += vocabulary.tokenize(text) if before or not number else _continued(text, vocabulary)
    return tokens


def _pieces(spans: Iterable[Span], vocabulary: Vocabulary) -> list[_Piece]:
    pieces: list[_Piece] = []
    for piece in _apart(spans, vocabulary):
        last = pieces[-1] if pieces else None
        if last and not last.tokens and not piece.tokens and (last.joins or piece.joins):
            last.text, last.joins = last.text + piece.text, piece.joins
        else:
            pieces.append(piece)
    return pieces


def _apart(spans: Iterable[Span], vocabulary: Vocabulary) -> Iterator[_Piece]:
    for span in spans:
        tokens = vocabulary.tokenize(span.text, special=True) if span.special else []
        if any(map(vocabulary.is_special, tokens)):
            yield _Piece(tokens)
        else:  # text, or a marker that this vocabulary can only spell
            yield _Piece([], span.text, joins=span.special)


def _continued(text: str, vocabulary: Vocabulary) -> list[int]:
    """The tokens of ``text`` behind other text: without the space that some vocabularies put before a beginning."""
    anchor, anchored = vocabulary.tokenize(_ANCHOR), vocabulary.tokenize(_ANCHOR + text)
    n = len(anchor)
    return anchored[n:] if anchored[:n] == anchor else vocabulary.tokenize(text)
