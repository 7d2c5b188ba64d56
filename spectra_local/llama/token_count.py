"""How many tokens a text has, no further than anybody wants to know: what cannot fit is not tokenised whole."""

from collections.abc import Callable, Iterator

_PIECE = 1 << 15  # characters: some 10 ms
# Tokens that a piece may have more than its text within the whole: what a cut, or what stands before it, takes apart.
_CUT, _NEIGHBOURS = 32, 4

Tokenize = Callable[[str], list[int]]


def at_least(text: str, tokenize: Tokenize, enough: int) -> int:
    """A number of tokens that ``text`` has at least: about all it has, or ``enough`` or more of them."""
    n = 0
    uncertain = _NEIGHBOURS if len(text) <= _PIECE else _CUT
    for piece in _pieces(text):
        n += max(0, len(tokenize(piece)) - uncertain)
        if n >= enough:
            break
    return max(n, min(1, len(text)))


def first_tokens(text: str, tokenize: Tokenize, most: int) -> list[int]:
    """The tokens of ``text``, of a long one about the first ``most``."""
    tokens: list[int] = []
    for piece in _pieces(text):
        tokens += tokenize(piece)
        if len(tokens) >= most:
            break
    return tokens[:most]


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
