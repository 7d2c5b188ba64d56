"""What of a history is no one conversation's own: text runs that several conversations share, free of secrets.

Works on the text of turns, not on tokens: what goes out can then be read by its owner and used under any tokenizer.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectra_local.history.repeats import Repeats
from spectra_local.history.secrets import scan

LEAST_TIMES, LEAST_CONVERSATIONS = 3, 2

# A run is counted in words, marks and line beginnings, so it never ends within a word; the space before belongs to it.
_UNIT = re.compile(r"\n[ \t]*|[ \t]?\w+|[ \t]?[^\w\s]|\s")
_WALL = -1
_FRAGMENT = 8  # characters shared with a known secret from which a text is taken for a part of it
_DISTINCT = 5  # different characters a fragment needs; fewer are rules and indentation
_PREFIX = 6  # shortest secret that is looked for elsewhere


class Text(NamedTuple):
    """One turn's text. Only ``chosen`` ones go out; the others count."""

    text: str
    conversation: str
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class Shared:
    """The runs that may go out, and what was looked through."""

    runs: list[str]
    n_texts: int
    n_conversations: int
    withheld: Counter[str] = field(default_factory=Counter)  # secrets found, by kind; a secret counts once


def shared_text(texts: Iterable[Text], progress: Callable[[float], None] = lambda share: None) -> Shared:
    """Longest runs that occur in two conversations and three times, none of which touches a secret."""
    texts = list(texts)
    secrets = KnownSecrets()
    walls = []
    for number, text in enumerate(texts):
        walls.append(secrets.note(text.text))
        progress(0.3 * number / len(texts))
    corpus = _Corpus()
    for number, text in enumerate(texts):
        corpus.add(text, walls[number] + secrets.traces(text.text))
        progress(0.3 + 0.2 * number / len(texts))
    runs = corpus.runs(lambda share: progress(0.5 + 0.4 * share))
    clean = []
    for number, run in enumerate(runs):
        # Scanned again alone: what was no secret among its neighbours may be one by itself.
        if not scan(run) and not secrets.traces(run):
            clean.append(run)
        progress(0.9 + 0.1 * number / len(runs))
    return Shared(clean, len(texts), len({text.conversation for text in texts}), secrets.kinds())


class KnownSecrets:
    """Every secret that was seen anywhere, to be found again where nothing around it tells what it is."""

    def __init__(self) -> None:
        self._kind: dict[str, str] = {}
        self._values: set[str] = set()
        self._fragments: NDArray[np.uint64] | None = None
        self._prefixes: dict[int, list[bytes]] = {}

    def note(self, text: str) -> list[tuple[int, int]]:
        """Scans a text; returns where its secrets are."""
        found = scan(text)
        for secret in found:
            value = text[secret.start : secret.end]
            self._kind.setdefault(value, secret.kind)
            if secret.certain:
                self._values.add(value)
        self._fragments = None
        return [(secret.start, secret.end) for secret in found]

    def kinds(self) -> Counter[str]:
        """How many different secrets there are of each kind."""
        return Counter(self._kind.values())

    def traces(self, text: str) -> list[tuple[int, int]]:
        """Where a text has a known secret, or ``_FRAGMENT`` telling characters of one."""
        if self._fragments is None:
            self._prepare()
        assert self._fragments is not None
        data = _one_byte_each(text)
        found = [(at, at + _FRAGMENT) for at in _places(data, _FRAGMENT, self._fragments)]
        for at in _places(data, _PREFIX, self._prefix_keys):
            key = int.from_bytes(data[at : at + _PREFIX], "little")
            found += [(at, at + len(value)) for value in self._prefixes[key] if data.startswith(value, at)]
        return found

    def _prepare(self) -> None:
        fragments: set[bytes] = set()
        self._prefixes = {}
        for value in map(_one_byte_each, self._values):
            own = {value[i : i + _FRAGMENT] for i in range(len(value) - _FRAGMENT + 1)}
            telling = {fragment for fragment in own if _is_telling(fragment)}
            fragments |= telling
            if len(value) >= _PREFIX and not telling:
                self._prefixes.setdefault(int.from_bytes(value[:_PREFIX], "little"), []).append(value)
        as_keys = sorted(int.from_bytes(fragment, "little") for fragment in fragments)
        self._fragments = np.array(as_keys, np.uint64)
        self._prefix_keys = np.array(sorted(self._prefixes), np.uint64)


def _is_telling(fragment: bytes) -> bool:
    """Words do not give a secret away, however often they stand in one."""
    return len(set(fragment)) >= _DISTINCT and not (fragment.isalpha() and (fragment.islower() or fragment.istitle()))


def _one_byte_each(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _places(data: bytes, width: int, keys: NDArray[np.uint64]) -> list[int]:
    """Where ``data`` has one of ``keys``, each ``width`` bytes as a little-endian number; ``keys`` are sorted."""
    n = len(data) - width + 1
    if n <= 0 or not len(keys):
        return []
    single = np.frombuffer(data, np.uint8)
    windows = np.zeros(n, np.uint64)
    for i in range(width):
        windows |= single[i : i + n].astype(np.uint64) << np.uint64(8 * i)
    at = np.minimum(np.searchsorted(keys, windows), len(keys) - 1)
    found: list[int] = np.flatnonzero(keys[at] == windows).tolist()
    return found


class _Corpus:
    """All texts as one sequence of unit ids, with walls where texts end and where secrets were."""

    def __init__(self) -> None:
        self._id: dict[str, int] = {}
        self._group: dict[str, int] = {}
        self._symbols: list[NDArray[np.int64]] = []
        self._groups: list[NDArray[np.int64]] = []
        self._chosen: list[NDArray[np.bool_]] = []

    def add(self, text: Text, walls: Sequence[tuple[int, int]]) -> None:
        """Appends a text; a unit that touches one of ``walls`` becomes a wall."""
        ids = self._id
        found = list(_UNIT.finditer(text.text))
        symbols = np.array([ids.setdefault(match.group(), len(ids)) for match in found] + [_WALL], np.int64)
        if walls:
            starts = np.array([match.start() for match in found], np.int64)
            ends = np.array([match.end() for match in found], np.int64)
            for start, end in walls:
                symbols[np.searchsorted(ends, start, side="right") : np.searchsorted(starts, end)] = _WALL
        group = self._group.setdefault(text.conversation, len(self._group))
        self._symbols.append(symbols)
        self._groups.append(np.full(len(symbols), group, np.int64))
        self._chosen.append(np.full(len(symbols), text.chosen))

    def runs(self, progress: Callable[[float], None]) -> list[str]:
        """Distinct runs of chosen texts, in the order in which they first occur."""
        if not self._symbols:
            return []
        symbols = np.concatenate(self._symbols)
        chosen = np.concatenate(self._chosen)
        found = Repeats(symbols, np.concatenate(self._groups), LEAST_TIMES, progress).runs()
        units = list(self._id)
        texts = ("".join(units[i] for i in symbols[start:end].tolist()) for start, end in found if chosen[start])
        return [text for text in dict.fromkeys(texts) if not text.isspace()]
