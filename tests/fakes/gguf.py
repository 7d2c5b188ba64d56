"""GGUF files just large enough for what looks at their first bytes; no model inside."""

import struct
from collections.abc import Mapping
from pathlib import Path


def gguf_bytes(
    architecture: str = "llama", n_tensors: int = 1, size: int = 1000, pairs: Mapping[str, str | int] | None = None
) -> bytes:
    """A GGUF header with the architecture and further ``pairs``, filled up with bytes that differ by place."""
    named = {"general.architecture": architecture, **(pairs or {})}
    header = struct.pack("<4sIQQ", b"GGUF", 3, n_tensors, len(named))
    for key, value in named.items():
        header += struct.pack("<Q", len(key)) + key.encode()
        if isinstance(value, int):
            header += struct.pack("<II", 4, value)
        else:
            header += struct.pack("<IQ", 8, len(value.encode())) + value.encode()
    filling = b"".join(struct.pack("<I", i) for i in range((size - len(header)) // 4 + 1))
    return (header + filling)[:size]


def write_gguf(path: Path, architecture: str = "llama", n_tensors: int = 1, size: int = 1000) -> Path:
    """The same as a file, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf_bytes(architecture, n_tensors, size))
    return path
