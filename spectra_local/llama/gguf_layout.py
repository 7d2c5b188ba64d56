"""The bytes of a GGUF header: key-value pairs and tensor descriptions, every length checked before it is believed.

Knows the container, not what its keys mean. The rules are those of ggml's ``gguf.cpp`` (llama.cpp 0c1e57098), with
caps added: nothing here allocates what a number in the file asks for. Format: ggml's ``docs/gguf.md``.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from itertools import repeat

from spectra_local.llama.ggml_types import TENSOR_TYPES
from spectra_local.printable import printable_line

# The largest real files: 257 pairs, 8,200 tensors (unmerged experts), 0.8 M strings (Gemma 4), 16 MB of header.
MAX_PAIRS = 4096
MAX_TENSORS = 65_536
MAX_STRINGS = 2_000_000
MAX_NAME_BYTES = 256  # of a key; ggml allows 64 for a tensor's name
MAX_TENSOR_NAME_BYTES = 63
MAX_SMALL_ARRAY = 4096  # elements of an array whose values are kept (one number per layer)
MAX_DIMS = 4
MAX_ALIGNMENT = 4096
DEFAULT_ALIGNMENT = 32
_INT64_MAX = 2**63 - 1
_STRINGS_PER_BLOCK = 4096

STRING, _ARRAY = 8, 9
SCALARS = {
    number: struct.Struct("<" + code)
    for number, code in {
        0: "B",
        1: "b",
        2: "H",
        3: "h",
        4: "I",
        5: "i",
        6: "f",
        7: "?",
        10: "Q",
        11: "q",
        12: "d",
    }.items()
}
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

Scalar = int | float | bool


class MalformedError(Exception):
    """The header breaks a rule; the message completes "X is damaged: ..."."""


class BeyondEndError(Exception):
    """The header goes on behind the bytes at hand, to ``needed`` at least."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Array:
    """An array left where it is: its elements are the bytes ``start`` to ``stop`` of the header."""

    kind: int  # GGUF's number for the element type
    count: int
    start: int
    stop: int
    _: KW_ONLY
    blocks: tuple[int, ...] = ()  # strings only: where each block of 4096 of them starts


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's description; ``offset`` counts from the start of the tensor data."""

    type_id: int
    n_elements: int
    offset: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A header as it lies in the file. Strings are kept as bytes."""

    version: int
    pairs: dict[bytes, Scalar | bytes | Array]
    tensors: tuple[Tensor, ...]
    data_start: int  # byte of the file where the tensor data begins
    _: KW_ONLY
    data_stop: int  # and where its last tensor ends
    data: bytes  # the header's bytes, which the arrays point into

    def strings_at(self, array: Array, indices: Iterable[int]) -> Iterator[bytes]:
        """The elements at ``indices``, which must ascend: each block of the array is walked once at most."""
        at, position = 0, array.start
        for index in indices:
            block = index - index % _STRINGS_PER_BLOCK
            if block > at:
                at, position = block, array.blocks[block // _STRINGS_PER_BLOCK]
            while True:
                (length,) = _U64.unpack_from(self.data, position)
                start, position = position + 8, position + 8 + length
                at += 1
                if at > index:
                    break
            yield self.data[start:position]

    def numbers(self, array: Array) -> tuple[Scalar, ...]:
        """The elements of a small array of numbers; raises MalformedError where it is neither."""
        if array.kind not in SCALARS or array.count > MAX_SMALL_ARRAY:
            raise MalformedError("an array of numbers was expected")
        return tuple(value for (value,) in SCALARS[array.kind].iter_unpack(self.data[array.start : array.stop]))


def parse(data: bytes) -> Layout:
    """Reads the header at the start of ``data`` (magic included).

    Raises MalformedError, or BeyondEndError where ``data`` is too short to tell.
    """
    cursor = _Cursor(data)
    cursor.skip(4)
    version = cursor.u32()
    _check_version(version)
    n_tensors, n_pairs = cursor.u64(), cursor.u64()
    if n_tensors > MAX_TENSORS:
        raise MalformedError(f"it claims {n_tensors} tensors, at most {MAX_TENSORS} are believed")
    if n_pairs > MAX_PAIRS:
        raise MalformedError(f"it claims {n_pairs} metadata keys, at most {MAX_PAIRS} are believed")
    pairs: dict[bytes, Scalar | bytes | Array] = {}
    for _ in range(n_pairs):
        key = cursor.name(MAX_NAME_BYTES)
        if not key or key in pairs:
            raise MalformedError(f"the metadata key {quoted(key)} occurs twice" if key else "a metadata key is empty")
        pairs[key] = cursor.value(key)
    alignment = _alignment(pairs)
    tensors = _read_tensors(cursor, n_tensors, alignment)
    start = _padded(cursor.position, alignment) if tensors else cursor.position
    stop = start + (tensors[-1].offset + tensors[-1].n_bytes if tensors else 0)
    return Layout(version, pairs, tensors, start, data_stop=stop, data=data)


def quoted(name: bytes) -> str:
    """A name from the file as it may stand in a message."""
    return f'"{printable_line(name[:80].decode(errors="replace"))}"'


def _check_version(version: int) -> None:
    if version and version & 0xFFFF == 0:
        raise MalformedError("it was written for big-endian machines")
    if version not in (2, 3):
        raise MalformedError(f"it is GGUF version {version}, this program reads versions 2 and 3")


def _alignment(pairs: dict[bytes, Scalar | bytes | Array]) -> int:
    alignment = pairs.get(b"general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or not 1 <= alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
        raise MalformedError(f"its alignment is no power of two up to {MAX_ALIGNMENT}")
    return alignment


def _read_tensors(cursor: "_Cursor", count: int, alignment: int) -> tuple[Tensor, ...]:
    """Tensors lie one behind the other, each padded to the alignment: ggml accepts nothing else."""
    names: set[bytes] = set()
    tensors = []
    expected = 0
    for _ in range(count):
        name = cursor.name(MAX_TENSOR_NAME_BYTES)
        if name in names:
            raise MalformedError(f"the tensor {quoted(name)} occurs twice")
        names.add(name)
        tensor = cursor.tensor(name)
        if tensor.offset != expected:
            raise MalformedError(f"the tensor {quoted(name)} is at {tensor.offset}, expected at {expected}")
        expected = _padded(expected + tensor.n_bytes, alignment)
        tensors.append(tensor)
    return tuple(tensors)


def _padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) & -alignment


class _Cursor:
    """Reads forward through the header; no step leaves ``data``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._end = len(data)
        self._strings_left = MAX_STRINGS
        self.position = 0

    def skip(self, size: int) -> int:
        """Moves on by ``size`` bytes; returns where they start."""
        start = self.position
        if size > self._end - start:
            raise BeyondEndError(start + size)
        self.position = start + size
        return start

    def u32(self) -> int:
        value: int = _U32.unpack_from(self._data, self.skip(4))[0]
        return value

    def u64(self) -> int:
        value: int = _U64.unpack_from(self._data, self.skip(8))[0]
        return value

    def string(self) -> bytes:
        length = self.u64()
        start = self.skip(length)
        return self._data[start : start + length]

    def name(self, limit: int) -> bytes:
        start = self.position
        length = self.u64()
        if length > limit:
            raise MalformedError(f"a name at byte {start} claims {length} bytes, at most {limit} are allowed")
        self.position = start
        return self.string()

    def value(self, key: bytes) -> Scalar | bytes | Array:
        kind = self.u32()
        if kind == STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array(key)
        return self._scalar(self._known(kind, key))

    def tensor(self, name: bytes) -> Tensor:
        n_dims = self.u32()
        if not 1 <= n_dims <= MAX_DIMS:
            raise MalformedError(f"the tensor {quoted(name)} has {n_dims} dimensions, 1 to {MAX_DIMS} are allowed")
        dims = [self.u64() for _ in range(n_dims)]
        type_id, offset = self.u32(), self.u64()
        n_elements = 1
        for size in dims:
            n_elements *= size
            if not 0 < n_elements <= _INT64_MAX:
                raise MalformedError(f"the tensor {quoted(name)} has an impossible shape")
        if type_id not in TENSOR_TYPES:
            raise MalformedError(f"the tensor {quoted(name)} is of the unknown type {type_id}")
        _, block_size, block_bytes = TENSOR_TYPES[type_id]
        if dims[0] % block_size:
            raise MalformedError(f"the tensor {quoted(name)} has rows that are no multiple of {block_size}")
        return Tensor(type_id, n_elements, offset, n_elements // block_size * block_bytes)

    def _scalar(self, form: struct.Struct) -> Scalar:
        value: Scalar = form.unpack_from(self._data, self.skip(form.size))[0]
        return value

    def _known(self, kind: int, key: bytes) -> struct.Struct:
        if kind not in SCALARS:
            raise MalformedError(f"the metadata key {quoted(key)} is of the unknown type {kind}")
        return SCALARS[kind]

    def _array(self, key: bytes) -> Array:
        kind, count = self.u32(), self.u64()
        start = self.position
        if kind == _ARRAY:
            raise MalformedError(f"the metadata key {quoted(key)} is an array of arrays")
        if kind == STRING:
            blocks = self._skip_strings(count)
            return Array(kind, count, start, self.position, blocks=blocks)
        self.skip(count * self._known(kind, key).size)
        return Array(kind, count, start, self.position)

    def _skip_strings(self, count: int) -> tuple[int, ...]:
        """Walks over ``count`` strings: 430,000 take 40 ms, so the loop is kept bare."""
        self._strings_left -= count
        if self._strings_left < 0:
            raise MalformedError(f"it claims more than {MAX_STRINGS} strings")
        if count * 8 > self._end - self.position:
            raise BeyondEndError(self.position + count * 8)
        unpack, data = _U64.unpack_from, self._data
        position, last = self.position, self._end - 8
        blocks = []
        for block in range(0, count, _STRINGS_PER_BLOCK):
            blocks.append(position)
            for _ in repeat(None, min(_STRINGS_PER_BLOCK, count - block)):
                if position > last:
                    raise BeyondEndError(position + 8)
                (length,) = unpack(data, position)
                position += 8 + length
        if position > self._end:
            raise BeyondEndError(position)
        self.position = position
        return tuple(blocks)
