"""CORE's dictionaries as one bounded file of arrays and back. Knows the format, not where it lies.

They hold n-grams, so they are as private as the text they came from.
"""

import io
import struct
import zlib
from itertools import islice

import numpy as np

from spectra_local.speculation.core import THREE_TOKENS, Entry, NgramTable

MAGIC = b"SPXCORE1"
MOST_ENTRIES = 60_000  # of each level, the newest: about 3 MB each, read in some 0.1 s
_MOST_FOLLOWERS = 16  # of an entry


def dumps(table: NgramTable) -> bytes:
    """Keys, counts and followers of each level, checksummed."""
    out = io.BytesIO()
    for level in (table.one, table.two, table.three):
        newest = list(islice(reversed(level.items()), MOST_ENTRIES))[::-1]
        followers = [sorted(e.weights.items(), key=lambda item: -item[1])[:_MOST_FOLLOWERS] for _, e in newest]
        flat = [pair for pairs in followers for pair in pairs]
        out.write(struct.pack("<II", len(newest), len(flat)))
        out.write(np.array([key for key, _ in newest], "<u8").tobytes())
        out.write(np.array([e.seen for _, e in newest], "<f4").tobytes())
        out.write(np.array([len(pairs) for pairs in followers], "<u4").tobytes())
        out.write(np.array([token for token, _ in flat], "<u4").tobytes())
        out.write(np.array([weight for _, weight in flat], "<f4").tobytes())
    body = out.getvalue()
    return MAGIC + struct.pack("<I", zlib.crc32(body)) + body


def loads(content: bytes, n_vocab: int) -> NgramTable:
    """Reads what ``dumps`` wrote. Raises ValueError where it is damaged."""
    head = len(MAGIC) + 4
    checksum = zlib.crc32(content[head:]).to_bytes(4, "little")
    if content[:head] != MAGIC + checksum:
        raise ValueError("not CORE's statistics, or damaged")
    table, at = NgramTable(), head
    for level in (table.one, table.two, table.three):
        n, n_flat = np.frombuffer(content, "<u4", 2, at).tolist()
        at += 8
        arrays = []
        for kind, count in (("<u8", n), ("<f4", n), ("<u4", n), ("<u4", n_flat), ("<f4", n_flat)):
            arrays.append(np.frombuffer(content, kind, count, at).tolist())
            at += np.dtype(kind).itemsize * count
        keys, seen, counts, tokens, weights = arrays
        if sum(counts) != n_flat or max(tokens, default=0) >= n_vocab or max(keys, default=0) > THREE_TOKENS:
            raise ValueError("absurd statistics")
        first = 0
        for key, times, count in zip(keys, seen, counts, strict=True):
            entry = level[key] = Entry()
            entry.seen = min(max(1.0, times), 64.0)
            pairs = zip(tokens[first : first + count], weights[first : first + count], strict=True)
            entry.weights = {token: min(max(0.0, weight), entry.seen) for token, weight in pairs}
            first += count
    return table
