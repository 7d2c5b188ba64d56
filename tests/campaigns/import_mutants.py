"""Mutated ``.spectra`` files, offered to the importer: no crash, little memory, little time, the store as it was.

A third of the mutants are raw damage; the others carry checksums made right again, over a changed header or changed
records, so that they get past the first door.
"""

import argparse
import hashlib
import json
import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from campaigns.homes import temporary_home
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.exporting import Selection, choose, write
from spectra_local.history.importing import Vocabulary, import_file
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn

VOCABULARY = Vocabulary(
    "bytes", "bytes", 256, lambda text: list(text.encode()), text=lambda ids: bytes(ids).decode("utf-8", "replace")
)
_FIRST = 14  # magic, version, header length
_DIGEST = 16
_ABSURD = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 20, 1 << 24)
_VALUES = ([], {}, "", -1, 0, 1 << 40, 1e308, None, True, "x" * 300, ["f"] * 65, "\ud800")


@dataclass(slots=True)
class Outcome:
    """What became of the mutants."""

    mutants: int = 0
    refused: int = 0
    accepted: int = 0  # nothing that matters was changed, or it was changed to something that makes sense
    crashes: list[str] = field(default_factory=list)
    changed_stores: list[int] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)


def mutant(data: bytes, rng: random.Random) -> bytes:
    """A changed copy of a whole file."""
    kind = rng.randrange(3)
    if kind == 0:
        return _bent(data, rng)
    head, frames = _parts(data)
    if kind == 1:
        values = json.loads(head)
        values[rng.choice([*values, "more"])] = rng.choice(_VALUES)
        head = json.dumps(values).encode()
        if rng.random() < 0.2:
            head = _bent(head, rng)
    else:
        at = rng.randrange(len(frames))
        frames[at] = _bent(frames[at], rng)
        if rng.random() < 0.2:
            frames[at] = bytes(rng.choice((1 << 16, 1 << 24)))  # a bomb: zeros
    return _whole(head, frames, rng)


def _bent(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(changed)) if changed else 0
        kind = rng.randrange(5)
        if kind == 0 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + 4] = struct.pack("<I", rng.choice(_ABSURD))
        elif kind == 2:
            del changed[at : at + rng.randrange(1, 64)]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.randrange(1, 64))
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def _parts(data: bytes) -> tuple[bytes, list[bytes]]:
    """The header's JSON and the unpacked frames."""
    n_head = struct.unpack_from("<I", data, 10)[0]
    at, frames = _FIRST + n_head + _DIGEST, []
    while True:
        n_packed, _ = struct.unpack_from("<II", data, at)
        at += 8 + _DIGEST
        if not n_packed:
            return data[_FIRST : _FIRST + n_head], frames
        frames.append(zlib.decompress(data[at : at + n_packed]))
        at += n_packed


def _whole(head: bytes, frames: list[bytes], rng: random.Random) -> bytes:
    """A file of these parts, with right checksums, and sometimes with a length that lies."""
    start = struct.pack("<8sHI", b"\x89SPECTRA", 1, len(head))
    out = start + head + blake2b(start + head, digest_size=_DIGEST).digest()
    all_frames = blake2b(digest_size=_DIGEST)
    for plain in frames:
        packed = zlib.compress(plain, 1)
        n_plain = rng.choice(_ABSURD) if rng.random() < 0.1 else len(plain)
        lengths = struct.pack("<II", len(packed), n_plain)
        digest = blake2b(lengths + packed, digest_size=_DIGEST).digest()
        all_frames.update(digest)
        out += lengths + digest + packed
    return out + struct.pack("<II", 0, 0) + all_frames.digest()


def originals() -> list[bytes]:
    """Two exports, of whole turns and of what is shared."""
    rng = random.Random(1)
    lines = [" ".join(rng.choice(("alpha", "beta", "gamma", "delta")) for _ in range(12)) + "\n" for _ in range(40)]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Database(Path(folder) / "source"))
        texts = ["".join(rng.choices(lines, k=rng.randrange(1, 9))) for _ in range(150)]
        store.add([Turn(f"c{i % 9}", "model", "bytes", text, tokens=np.array(list(text.encode()), TOKEN), ts=1e9)
                   for i, text in enumerate(texts)])  # fmt: skip
        files = []
        for whole in (True, False):
            path = Path(folder) / f"{whole}.spectra"
            write(choose(store, Selection(whole_turns=whole)), path)
            files.append(path.read_bytes())
        store.database.close()
    return files


def run(mutants: int, seed: int = 0) -> Outcome:
    """Offers so many mutants to one store."""
    rng, found, sources = random.Random(seed), Outcome(), originals()
    with temporary_home() as home:
        path = home / "in.spectra"
        store = _store()
        before = _digest(store)
        for number in range(mutants):
            path.write_bytes(mutant(sources[number % 2], rng))
            started = time.perf_counter()
            try:
                import_file(path, store, VOCABULARY, "theirs")
                found.accepted += 1
            except SpectraError as error:
                found.refused += 1
                found.reasons[str(error)] += 1
                if _digest(store) != before:
                    found.changed_stores.append(number)
            except Exception as error:
                found.crashes.append(f"mutant {number}: {error!r}")
            found.slowest_s = max(found.slowest_s, time.perf_counter() - started)
            if any(layer.name == "theirs" for layer in store.layers()):
                store.database.close()
                for each in store.database.path.parent.iterdir():
                    each.unlink()
                store = _store()
                before = _digest(store)
        store.database.close()
    found.mutants = mutants
    found.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _store() -> Store:
    store = Store(Database())
    store.add([Turn("mine", "user", "bytes", "what is mine", tokens=np.arange(9, dtype=TOKEN), ts=1e9)])
    return store


def _digest(store: Store) -> bytes:
    """Of the database and of its log."""
    digest = hashlib.blake2b()
    for path in sorted(store.database.path.parent.iterdir()):
        if not path.name.endswith("-shm"):  # locks, no content
            digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = run(given.mutants, given.seed)
    print(f"mutants {found.mutants}, refused {found.refused}, accepted {found.accepted}, crashes {len(found.crashes)}, "
          f"stores changed by a refused file {len(found.changed_stores)}, slowest {found.slowest_s:.3f} s, "
          f"peak memory {found.peak_mb:.0f} MB")  # fmt: skip
    for reason, count in found.reasons.most_common():
        print(f"  {count:6} {reason[:140]}")
    print("\n".join(found.crashes[:20]))
    return 1 if found.crashes or found.changed_stores else 0


if __name__ == "__main__":
    sys.exit(main())
