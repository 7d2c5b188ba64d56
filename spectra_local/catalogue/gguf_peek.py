"""Is this file a language model? A look at its first bytes, cheap enough for every file of a cache.

Not a check: ``spectra_local.llama.gguf`` reads and judges a whole header before native code sees a file.
"""

import re
import struct
from pathlib import Path

_MAGIC = b"GGUF"
_PEEK_BYTES = 512
# magic, version, number of tensors, number of key-value pairs, length of the first key
_START = struct.Struct("<4sIQQQ")
_FIRST_KEY = b"general.architecture"  # every writer puts it first
_STRING_TYPE = 8
_NOT_LANGUAGE_MODELS = frozenset({b"clip", b"mmproj"})
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)


def is_language_model(path: Path) -> bool:
    """True for a GGUF file that is no image projector, no vocabulary alone, and no later part of a split model."""
    if "mmproj" in path.name.lower() or is_later_part(path):
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_PEEK_BYTES)
    except OSError:  # unreadable, a loop of links, gone
        return False
    if len(start) < _START.size or not start.startswith(_MAGIC):
        return False
    _, _, n_tensors, _, key_length = _START.unpack_from(start)
    # The first part of a split model may hold the header alone.
    if n_tensors == 0 and not _SPLIT.search(path.name):
        return False
    return _architecture(start[_START.size :], key_length) not in _NOT_LANGUAGE_MODELS


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


def _architecture(start: bytes, key_length: int) -> bytes | None:
    """The model's architecture where the first key tells it; ``start`` begins with that key."""
    if key_length != len(_FIRST_KEY) or not start.startswith(_FIRST_KEY):
        return None
    value_type, length = struct.unpack_from("<IQ", start, key_length)
    begin = key_length + 12
    return start[begin : begin + length] if value_type == _STRING_TYPE and length < 100 else None
