"""GGUF files just large enough for what looks at their first bytes; no model inside."""

import struct
from pathlib import Path


def gguf_bytes(architecture: str = "llama", n_tensors: int = 1, size: int = 1000) -> bytes:
    """A GGUF header with one key, filled up with bytes that differ from place to place."""
    key, value = b"general.architecture", architecture.encode()
    header = struct.pack("<4sIQQ", b"GGUF", 3, n_tensors, 1)
    header += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value
    filling = b"".join(struct.pack("<I", i) for i in range((size - len(header)) // 4 + 1))
    return (header + filling)[:size]


def write_gguf(path: Path, architecture: str = "llama", n_tensors: int = 1, size: int = 1000) -> Path:
    """The same as a file, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf_bytes(architecture, n_tensors, size))
    return path
