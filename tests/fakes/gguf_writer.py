"""Writes small GGUF files, well-formed or broken on purpose. Knows the container, nothing of the reader under test."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}

NORMAL, CONTROL = 1, 3  # token types


@dataclass
class GgufWriter:
    """Pairs are (key, type, value), an array's type is (ARRAY, element type); tensors (name, dims, type, offset)."""

    pairs: list = field(default_factory=list)
    tensors: list = field(default_factory=list)
    version: int = 3
    alignment: int = 32
    data: bytes | None = None  # None: as many zero bytes as 4-byte elements need

    def set(self, key, kind, value):
        """Replaces a pair, or adds it."""
        self.pairs = [pair for pair in self.pairs if pair[0] != key] + [(key, kind, value)]
        return self

    def without(self, key):
        self.pairs = [pair for pair in self.pairs if pair[0] != key]
        return self

    def to_bytes(self) -> bytes:
        out = b"GGUF" + struct.pack("<IQQ", self.version, len(self.tensors), len(self.pairs))
        for key, kind, value in self.pairs:
            out += string(key) + value_bytes(kind, value)
        size = 0
        for name, dims, kind, offset in self.tensors:
            count = 1
            for dim in dims:
                count *= dim
            place = size if offset is None else offset
            out += string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, place)
            size = padded(size + 4 * count, 32)
        if not self.tensors:
            return out
        return out.ljust(padded(len(out), self.alignment), b"\0") + (bytes(size) if self.data is None else self.data)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.to_bytes())
        return path


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def value_bytes(kind, value) -> bytes:
    if isinstance(kind, tuple):
        element = kind[1]
        return struct.pack("<IIQ", ARRAY, element, len(value)) + b"".join(plain_bytes(element, each) for each in value)
    return struct.pack("<I", kind) + plain_bytes(kind, value)


def plain_bytes(kind, value) -> bytes:
    return string(value) if kind == STRING else struct.pack("<" + _FORMATS[kind], value)


def padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment


def small_model(*, template: str | None = None, name: str = "Tiny Test", control: tuple[str, ...] = ()) -> GgufWriter:
    """A whole little Llama-family model file: 2 layers, two F32 tensors, a byte-pair vocabulary of a few tokens."""
    tokens = ["<unk>", "<s>", "</s>", "a", "b", "ab", *control]
    types = [2, CONTROL, CONTROL, NORMAL, NORMAL, NORMAL, *[CONTROL] * len(control)]
    writer = GgufWriter(
        pairs=[
            ("general.architecture", STRING, "llama"),
            ("general.type", STRING, "model"),
            ("general.name", STRING, name),
            ("general.file_type", U32, 15),
            ("llama.context_length", U32, 512),
            ("llama.embedding_length", U32, 64),
            ("llama.block_count", U32, 2),
            ("llama.feed_forward_length", U32, 128),
            ("llama.attention.head_count", U32, 4),
            ("llama.attention.head_count_kv", U32, 2),
            ("tokenizer.ggml.model", STRING, "gpt2"),
            ("tokenizer.ggml.pre", STRING, "default"),
            ("tokenizer.ggml.tokens", (ARRAY, STRING), tokens),
            ("tokenizer.ggml.token_type", (ARRAY, I32), types),
            ("tokenizer.ggml.merges", (ARRAY, STRING), ["a b"]),
            ("tokenizer.ggml.bos_token_id", U32, 1),
            ("tokenizer.ggml.eos_token_id", U32, 2),
            ("tokenizer.ggml.add_bos_token", BOOL, True),
        ],
        tensors=[("token_embd.weight", (64, 6), 0, None), ("output_norm.weight", (64,), 0, None)],
    )
    if template is not None:
        writer.set("tokenizer.chat_template", STRING, template)
    return writer
