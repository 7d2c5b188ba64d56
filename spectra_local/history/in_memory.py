"""A history in memory: what this process has read and written, and a replay's store. Knows token ids only."""

from array import array
from collections.abc import Sequence

from spectra_local.history.agreement import End
from spectra_local.history.lookup import BY_MODEL, CORPUS, LONG, SHORT, Match

_WALL = -1  # between records: it equals no token


class MemoryHistory:
    """Earlier texts, searched by their last ``SHORT`` and ``LONG`` tokens; a corpus by ``LONG`` alone.

    Texts are records: no match and no continuation crosses from one into another.
    """

    PLACES = 8  # latest places kept for a key

    def __init__(self, name: str = "history", most_tokens: int = 1 << 40) -> None:
        """``most_tokens``: beyond it the older half is forgotten."""
        self.name = name
        # Two lengths of key: many places share 4 tokens, and the latest few may miss the longest match.
        self._lengths = (LONG,) if name == CORPUS else (LONG, SHORT)
        self._most_tokens = most_tokens
        self._clear()

    def _clear(self) -> None:
        self._tokens = array("i", [_WALL])
        self._record_end: list[int] = [0]  # for each position
        self._origins = bytearray(1)  # for each position
        self._places: dict[int, list[int]] = {}

    def add(self, record: Sequence[int], origins: bytes = b"") -> None:
        """Appends one text. ``origins``: who wrote each token of it; else all of it is the model's."""
        if len(self._tokens) + len(record) > self._most_tokens:
            self._keep_newer_half()
        start = len(self._tokens)
        self._tokens.extend(record)
        self._tokens.append(_WALL)
        end = start + len(record)
        self._record_end.extend([end] * (len(record) + 1))
        self._origins += (origins or bytes([BY_MODEL]) * len(record)) + bytes(1)
        for n in self._lengths:
            for at in range(start + n, end):
                places = self._places.setdefault(hash(tuple(self._tokens[at - n : at])), [])
                places.append(at)
                if len(places) > self.PLACES:
                    del places[0]

    def _keep_newer_half(self) -> None:
        tokens, ends, origins = self._tokens, self._record_end, bytes(self._origins)
        start = ends[len(tokens) // 2] + 1
        self._clear()
        while start < len(tokens):
            self.add(tokens[start : ends[start]], origins[start : ends[start]])
            start = ends[start] + 1

    def matches(self, context: Sequence[int], limit: int) -> list[Match]:
        """At most ``limit`` matches with the end of ``context``, longest first, the latest first among equals."""
        if not self._places:  # as a rule: where a store keeps the text, none is kept here
            return []
        end, found = End(context), dict[int, int]()  # position -> length
        for n in self._lengths:
            if len(context) >= n and len(found) < limit:
                for at in self._places.get(hash(tuple(context[-n:])), ()):
                    if at not in found and (length := end.agreement(self._read, at)) >= self._lengths[-1]:
                        found[at] = length
        longest = sorted(((length, at) for at, length in found.items()), reverse=True)[:limit]
        whole, tokens = len(context), self._tokens
        return [
            Match(length, at, self._origins[at], length == whole or tokens[at - length - 1] == _WALL)
            for length, at in longest
        ]

    def _read(self, start: int, end: int) -> bytes:
        return self._tokens[start:end].tobytes()

    def following(self, position: int, count: int) -> list[int]:
        """The tokens from ``position`` on, at most ``count``, fewer where the record ends."""
        return self._tokens[position : min(position + count, self._record_end[position])].tolist()
