"""One memory-mapped, disposable piece of the index: a run of turns and where each of their n-grams occurs.

Layout: magic, header length, header (JSON: range, sizes, checksums), checksum of the header, then little-endian
arrays: covered row ids <i8, row starts <i8 and their ids <i8, for each key length packed <u8 sorted (32 bits of hash,
32 of position) and a directory <u4 of where the keys with each first bits begin, tokens <i4 with a wall of -1 after
each record, and who wrote each token <u1. A reader trusts no number in it: a match is measured on the tokens
themselves, positions are checked, and the model verifies every draft anyway.
"""

import json
import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra_local.history.lookup import LONG, RETRIEVED, SHORT
from spectra_local.private_file import write_private

MAGIC = b"SPXSEG03"
PLACES = 8  # latest places looked at for a key, in all segments together
WALL = -1
SUFFIX = ".segment"
SAMPLE = 7  # one key of eight: half of all matches are found within 5 tokens, and one of a hundred after 35
_MULTIPLIER = 0x9E3779B97F4A7C15  # 2^64 / golden ratio (Knuth, multiplicative hashing)
_MASK = (1 << 64) - 1
_MOST_HEADER = 1 << 16
_BUCKET = 64  # keys between two entries of a directory: half a kilobyte, so one page of the file at most twice
_MOST_BITS = 20  # of a directory's entry
# The widest first, so that all are aligned.
_ARRAYS = (
    ("covered", "<i8"),
    ("starts", "<i8"),
    ("ids", "<i8"),
    ("short", "<u8"),
    ("long", "<u8"),
    ("short_directory", "<u4"),
    ("long_directory", "<u4"),
    ("tokens", "<i4"),
    ("origins", "<u1"),
)


class DamagedSegmentError(ValueError):
    """The file is no whole segment; it is to be removed and made again."""


class Segment:
    """A mapped segment. ``after`` < row ids <= ``until``; ``covered`` are those it was made from."""

    def __init__(self, path: Path) -> None:
        """Maps the file; checks header and sizes, not contents. Raises DamagedSegmentError, OSError."""
        self.path = path
        header, self._start = _header(path)
        self._header = header
        try:
            self.fingerprint = str(header["fingerprint"])
            self.after, self.until = int(header["after"]), int(header["until"])
            sizes = [int(header["sizes"][name]) for name, _ in _ARRAYS]
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedSegmentError(str(error)) from error
        expected = self._start + sum(n * np.dtype(kind).itemsize for n, (_, kind) in zip(sizes, _ARRAYS, strict=True))
        if min(sizes) < 0 or not header["sizes"]["tokens"] or path.stat().st_size != expected:
            raise DamagedSegmentError("its size does not fit its header")
        whole = np.memmap(path, np.uint8, "r")
        arrays: list[NDArray[Any]] = []
        at = self._start
        for n, (_, kind) in zip(sizes, _ARRAYS, strict=True):
            n_bytes = n * np.dtype(kind).itemsize
            # A plain array over the mapping: np.memmap's own slicing costs microseconds each time.
            arrays.append(np.frombuffer(whole, np.uint8, n_bytes, at).view(kind))
            at += n_bytes
        self.covered, starts, ids, short, long, short_directory, long_directory, self.tokens, origins = arrays
        if len(origins) != len(self.tokens):
            raise DamagedSegmentError("its size does not fit its header")
        self._short, self._long = _Keys(short, short_directory), _Keys(long, long_directory)
        # Read through memoryviews: one number of one costs a third of what it costs from numpy.
        self._starts, self._ids, self._origins = starts.data, ids.data, origins.data
        self._unsigned = self.tokens.view("<u4").data  # walls are beyond any vocabulary
        self._token_bytes: memoryview = self.tokens.view(np.uint8).data

    def __len__(self) -> int:
        return len(self.tokens)

    def verify(self) -> None:
        """Reads the whole file against its checksums. Raises DamagedSegmentError, OSError."""
        with self.path.open("rb") as file:
            file.seek(self._start)
            for name, kind in _ARRAYS:
                left, checksum = int(self._header["sizes"][name]) * np.dtype(kind).itemsize, 0
                while left and (block := file.read(min(left, 1 << 20))):
                    checksum = zlib.crc32(block, checksum)
                    left -= len(block)
                if left or checksum != self._header["checksums"].get(name):
                    raise DamagedSegmentError(f"{name} are damaged")

    def places(self, key: int, *, long: bool) -> list[int]:
        """Positions after the latest ``LONG`` or ``SHORT`` tokens with this hash; some may be false."""
        size = len(self.tokens)
        packed = (self._long if long else self._short).latest(key)
        if not packed or packed[-1] >> 32 != key:  # as a rule, with the long keys
            return []
        return [at for p in packed if p >> 32 == key and 0 < (at := p & 0xFFFFFFFF) < size]

    def read(self, start: int, end: int) -> memoryview:
        """The tokens between two positions, as bytes."""
        return self._token_bytes[4 * start : 4 * end]

    def following(self, at: int, count: int, n_vocab: int) -> list[int]:
        """The tokens from position ``at`` on, up to a wall or what no vocabulary of that size holds."""
        read: list[int] = self._unsigned[at : at + count].tolist()
        if read and max(read) >= n_vocab:  # a wall is beyond any vocabulary too
            del read[next(i for i, token in enumerate(read) if token >= n_vocab) :]
        return read

    def begins_at(self, position: int) -> bool:
        """Whether a record begins at a position."""
        return position == 0 or self._unsigned[position - 1] == WALL & 0xFFFFFFFF

    def turn_at(self, position: int) -> int:
        """Id of the row that a position belongs to."""
        at = bisect_right(self._starts, position) - 1
        return self._ids[at] if 0 <= at < len(self._ids) else 0

    def origin_at(self, position: int) -> int:
        """Who wrote the token at a position, see lookup.py."""
        return min(self._origins[position], RETRIEVED)


class _Keys:
    """Packed keys in order, of which a directory says where those with the same first bits begin.

    Plain bisection from end to end would touch a dozen far pages of the file; here it stays within one or two.
    """

    def __init__(self, keys: NDArray[np.uint64], directory: NDArray[np.uint32]) -> None:
        bits = (len(directory) - 1).bit_length() - 1
        if not 0 < bits <= _MOST_BITS or len(directory) != (1 << bits) + 1:
            raise DamagedSegmentError("its directory has an odd size")
        self._keys, self._directory, self._shift = keys.data, directory.data, 32 - bits
        self._n_keys = len(keys)

    def latest(self, key: int) -> list[int]:
        """The last ``PLACES`` packed keys up to the last with this hash; those before them may have another."""
        bucket = key >> self._shift
        low, high = self._directory[bucket], self._directory[bucket + 1]
        if not low < high <= self._n_keys:
            return []
        last = bisect_right(self._keys, key << 32 | 0xFFFFFFFF, low, high)
        return self._keys[max(low, last - PLACES) : last].tolist()


def key_of(tokens: Sequence[int]) -> int:
    """32 bits of hash of some tokens, the same as ``build`` computes for all positions at once.

    Multiplied after each token, the last too: a token that is only added does not reach the upper bits.
    """
    value = 0
    for token in tokens:
        value = (value + token + 1) * _MULTIPLIER & _MASK
    return value >> 32


def is_sampled(key: Any) -> Any:
    """Whether a key, or which of an array of keys, is among those that a sampled segment has.

    Text and context choose the same places, since the tokens there decide (winnowing: Schleimer and others, 2003): a
    long match is found some tokens later, most steps look nothing up, and what they would look up is small.
    """
    return key & SAMPLE == 0


def build(
    path: Path,
    fingerprint: str,
    after: int,
    until: int,
    covered: Sequence[int],
    records: Sequence[Sequence[tuple[int, int, NDArray[np.int32]]]],
    *,
    sampled: bool = False,
) -> None:
    """Writes a segment whole or not at all. A record is the (row id, origin, tokens) of one conversation, in order.
    ``sampled``: with such keys of ``LONG`` tokens alone as ``is_sampled`` says."""
    pieces: list[NDArray[np.int32]] = []
    starts: list[int] = []
    ids: list[int] = []
    origins = bytearray()
    at = 0
    wall = np.array([WALL], "<i4")
    for record in records:
        for identity, origin, tokens in record:
            starts.append(at)
            ids.append(identity)
            origins += bytes([origin]) * len(tokens)
            pieces.append(tokens)
            at += len(tokens)
        pieces.append(wall)
        origins.append(0)
        at += 1
    tokens = np.concatenate(pieces) if pieces else wall
    origins = origins or bytearray(1)
    # Two lengths of key: many places share 4 tokens, and the latest few may miss the longest match.
    short, long = _keys(tokens[:0] if sampled else tokens, SHORT), _keys(tokens, LONG)
    if sampled:
        long = long[is_sampled(long >> np.uint64(32))]
    arrays: list[NDArray[Any]] = [
        np.array(covered, "<i8"),
        np.array(starts, "<i8"),
        np.array(ids, "<i8"),
        short,
        long,
        _directory(short),
        _directory(long),
        tokens.astype("<i4", copy=False),
        np.frombuffer(bytes(origins), "<u1"),
    ]
    _write(path, {"fingerprint": fingerprint, "after": after, "until": until}, arrays)


def _keys(tokens: NDArray[np.int32], n: int) -> NDArray[np.uint64]:
    """Hash of the ``n`` tokens before each position with a token of the same record, packed with it, sorted."""
    count = len(tokens) - n
    if count <= 0:
        return np.empty(0, "<u8")
    value = np.zeros(count, np.uint64)
    for i in range(n):
        value += (tokens[i : i + count].astype(np.int64) + 1).astype(np.uint64)
        value *= np.uint64(_MULTIPLIER)
    walls = np.concatenate(([0], np.cumsum(tokens < 0)))  # a window with a wall in it belongs to no record
    inside = walls[n + 1 :] == walls[:count]
    packed: NDArray[np.uint64] = (value & np.uint64(0xFFFFFFFF00000000)) | np.arange(n, n + count, dtype=np.uint64)
    inside_only: NDArray[np.uint64] = packed[inside]
    inside_only.sort()
    return inside_only


def _directory(keys: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Where the keys that share their first bits begin, one entry for some ``_BUCKET`` keys, and where all end."""
    bits = min(max((len(keys) // _BUCKET).bit_length(), 1), _MOST_BITS)
    firsts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
    return np.append(keys.searchsorted(firsts), len(keys)).astype("<u4")


def _write(path: Path, about: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> None:
    named = {name: array for (name, _), array in zip(_ARRAYS, arrays, strict=True)}
    header = json.dumps(
        about
        | {
            "sizes": {name: len(array) for name, array in named.items()},
            "checksums": {name: zlib.crc32(np.ascontiguousarray(array).data) for name, array in named.items()},
        }
    ).encode()
    header += b" " * (-len(header) % 8)  # arrays stay aligned
    write_private(
        path,
        MAGIC + struct.pack("<II", len(header), zlib.crc32(header)) + header,
        *(np.ascontiguousarray(array, kind).data for (_, kind), array in zip(_ARRAYS, arrays, strict=True)),
        durable=True,
    )


def _header(path: Path) -> tuple[dict[str, Any], int]:
    with path.open("rb") as file:
        first = file.read(16)
        if len(first) < 16 or first[:8] != MAGIC:
            raise DamagedSegmentError("it does not begin as a segment")
        size, checksum = struct.unpack("<II", first[8:])
        text = file.read(size) if size <= _MOST_HEADER else b""
    if not text or zlib.crc32(text) != checksum:
        raise DamagedSegmentError("its header is damaged")
    header = json.loads(text)
    if not isinstance(header, dict):
        raise DamagedSegmentError("its header is damaged")
    return header, 16 + size
