"""A suffix trie with counts that grows token by token, and places in it. Knows token ids only.

A suffix that went its own way is not spelled out: it ends in a leaf that points into the text (as the open leaves of
Ukkonen's suffix tree do) and becomes nodes only where another suffix comes along. So a text of n tokens takes about n
nodes, and appending one costs as many steps as ends of the text were seen before.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

_WALL = -1  # ends a text; equals no token


class Node:
    """A path that suffixes took ``count`` times. ``below``: next token -> node, or its text position where one did."""

    __slots__ = ("below", "count")

    def __init__(self, count: int) -> None:
        self.count = count
        self.below: dict[int, Node | int] = {}


class Place(NamedTuple):
    """Where a path of ``depth`` tokens from the root ends: at a node, or inside a leaf before text position ``at``."""

    depth: int
    node: Node | None
    at: int = 0


class SuffixTree:
    """All suffixes of the texts pushed so far, matched over at most ``longest`` tokens."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._tokens: list[int] = []
        self._root = Node(0)
        self.active: list[Place] = []  # ends of the growing text that occurred before, longest first

    def push(self, token: int) -> None:
        """Appends one token to the growing text."""
        position = len(self._tokens)
        self._tokens.append(token)
        active: list[Place] = []
        for depth, node, _ in [*self.active, Place(0, self._root)]:
            assert node is not None  # the growing text's own ends stand at nodes
            below = node.below.get(token)
            if below is None:
                node.below[token] = position
                continue
            if isinstance(below, int):
                below = node.below[token] = self._opened(below)
            below.count += 1
            if depth < self._longest:
                active.append(Place(depth + 1, below))
        self.active = active

    def _opened(self, position: int) -> Node:
        """A leaf as a node: one text went through it, on to the token after ``position``."""
        node = Node(1)
        node.below[self._tokens[position + 1]] = position + 1
        return node

    def close(self) -> None:
        """Ends the growing text: the next token begins another."""
        self._tokens.append(_WALL)
        self.active = []

    def advanced(self, places: Sequence[Place], token: int) -> list[Place]:
        """Where ``places``, ends of some other text, stand after ``token``; longest first as they came."""
        moved: list[Place] = []
        for place in [*places, Place(0, self._root)]:
            if place.depth >= self._longest:
                continue
            if place.node is None:
                if self._tokens[place.at] == token:
                    moved.append(Place(place.depth + 1, None, place.at + 1))
            elif (below := place.node.below.get(token)) is not None:
                moved.append(_place(place.depth + 1, below))
        return moved

    def following(self, place: Place) -> Iterator[tuple[int, float, Place]]:
        """Tokens seen after ``place``, each with its share of their counts and the place it leads to."""
        if place.node is None:
            if place.at < len(self._tokens) and (token := self._tokens[place.at]) != _WALL:
                yield token, 1.0, Place(place.depth + 1, None, place.at + 1)
            return
        counts = {
            t: 1 if isinstance(below, int) else below.count for t, below in place.node.below.items() if t != _WALL
        }
        total = sum(counts.values())
        for token, count in counts.items():
            yield token, count / total, _place(place.depth + 1, place.node.below[token])


def _place(depth: int, below: Node | int) -> Place:
    return Place(depth, None, below + 1) if isinstance(below, int) else Place(depth, below)
