"""Changed copies of a valid input: bits, numbers, words, lengths and order."""

import random
import struct

NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**63, 2**64 - 1)
WORDS = (b"", b"\0", b"\x1b[2J", b"\xff\xfe", b"null", b"-1", b"1e999", b"NaN", b"9" * 400, b'"\\ud800"', b"[" * 5000,
         b'{"a":' * 2000, b"\xe2\x80\xae", b"true", b'""', b"x" * 70_000)  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to eight changes; now and then bytes that were never valid."""
    if rng.random() < 0.02:
        return rng.randbytes(rng.randrange(200))
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at, stop = sorted(rng.randrange(len(changed) + 1) for _ in range(2))
        kind = rng.randrange(7)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + 8] = struct.pack("<Q", rng.choice(NUMBERS))
        elif kind == 2:
            changed[at : at + 4] = struct.pack("<I", rng.choice(NUMBERS) & 0xFFFFFFFF)
        elif kind == 3:
            changed[at : at + rng.randrange(12)] = rng.choice(WORDS)
        elif kind == 4:
            del changed[at : at + rng.randrange(1, 64)]
        elif kind == 5:
            changed[at:at] = changed[at : min(stop, at + 4096)]
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)
