"""What kind of model is in this file? A look at its first bytes, cheap enough for every file of a cache.

Not a check: ``spectra_local.llama.gguf`` reads and judges a whole header before native code sees a file.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from spectra_local.llama.architectures import NOT_TEXT_GENERATION, POOLED
from spectra_local.llama.gguf_layout import SCALARS, STRING
from spectra_local.printable import printable_line

_MAGIC = b"GGUF"
_PEEK_BYTES = 16 << 10  # what tells the kind stands before the vocabulary
_START = struct.Struct("<4sIQQ")  # magic, version, number of tensors, number of key-value pairs
_LONGEST = 256  # of a key or a text that is looked at
_TYPES = {"adapter": "an adapter for another model", "mmproj": "an image or audio encoder for another model"}
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)


def is_language_model(path: Path) -> bool:
    """True for a GGUF file that can be chatted with, as far as its first bytes tell."""
    return kind_of(path) == ""


def kind_of(path: Path) -> str | None:
    """What the model in a GGUF file is, in words; "" for one that generates text.

    None for what is no model: another file, a vocabulary alone, a later part of a split model.
    """
    if is_later_part(path):
        return None
    try:
        with path.open("rb") as file:
            start = file.read(_PEEK_BYTES)
    except OSError:  # unreadable, a loop of links, gone
        return None
    if len(start) < _START.size or not start.startswith(_MAGIC):
        return None
    _, _, n_tensors, n_pairs = _START.unpack_from(start)
    # The first part of a split model may hold the header alone.
    if n_tensors == 0 and not _SPLIT.search(path.name):
        return None
    if "mmproj" in path.name.lower():
        return _TYPES["mmproj"]
    facts = dict(_first_pairs(start[_START.size :], min(n_pairs, 1000)))
    kind, architecture = str(facts.get("general.type", "")), str(facts.get("general.architecture", ""))
    if kind not in ("", "model"):
        return _TYPES.get(kind, f"of the type {printable_line(kind)}")
    pooled = POOLED.get(facts.get(f"{architecture}.pooling_type", 0), "")
    return NOT_TEXT_GENERATION.get(architecture) or pooled


def is_later_part(path: Path) -> bool:
    """True for the second and later files of a split model."""
    match = _SPLIT.search(path.name)
    return match is not None and int(match[1]) != 1


def parts(path: Path) -> list[Path]:
    """Every file of a model: itself, or all parts of a split one whose first part ``path`` is."""
    match = _SPLIT.search(path.name)
    if match is None:
        return [path]
    stem, n_parts = path.name[: match.start()], min(int(match[2]), 1000)
    return [path.with_name(f"{stem}-{i:05}-of-{match[2]}{path.suffix}") for i in range(1, n_parts + 1)]


def _first_pairs(data: bytes, n_pairs: int) -> Iterator[tuple[str, object]]:
    """Keys and values from the beginning, as far as they are short, whole and no arrays."""
    at = 0
    try:
        for _ in range(n_pairs):
            (length,) = struct.unpack_from("<Q", data, at)
            if length > _LONGEST:
                return
            key = data[at + 8 : at + 8 + length].decode("utf-8", "replace")
            (value_type,) = struct.unpack_from("<I", data, at + 8 + length)
            at += 12 + length
            if value_type == STRING:
                (length,) = struct.unpack_from("<Q", data, at)
                at += 8 + length
                if length <= _LONGEST:
                    yield key, data[at - length : at].decode("utf-8", "replace")
            elif form := SCALARS.get(value_type):
                (value,) = form.unpack_from(data, at)
                at += form.size
                yield key, value
            else:  # an array
                return
    except (struct.error, OverflowError):  # the look ends here
        return
