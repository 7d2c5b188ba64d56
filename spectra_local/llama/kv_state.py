"""What a sequence's cells hold, copied out and back, also into a cache for another kind of attention.

Plain attention keeps values transposed, flash attention does not, and llama.cpp (llama_kv_cache::state_write) reads
what it wrote only into a cache of the same kind. So its layout is known here; the numbers read on the way confirm it.
"""

import ctypes
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra_local.llama.native import lib

Bytes = NDArray[np.uint8]

_HEAD_BYTES = 8  # a magic number, the sequence
_CELL_BYTES = 12  # position, number of sequences, sequence
_F16 = 1  # GGML_TYPE_F16


@dataclass(frozen=True, slots=True)
class State:
    """The cells of a sequence, as llama.cpp writes them (28 KB a token with 1.5B parameters)."""

    data: Bytes
    transposed: bool  # whether the cache they come from keeps values so


def saved(context: Any, sequence: int, *, transposed: bool) -> State:
    """What ``sequence`` of a native context holds."""
    data = np.empty(lib.llama_state_seq_get_size(context, sequence), np.uint8)
    lib.llama_state_seq_get_data(context, _pointer(data), len(data), sequence)
    return State(data, transposed)


def restore(context: Any, sequence: int, state: State, *, transposed: bool) -> bool:
    """Gives ``sequence`` of a native context what was saved, in further cells; False where that is not possible."""
    data = state.data
    if state.transposed != transposed:
        try:
            data = with_values(data, transposed=transposed)
        except ValueError:
            return False
    return bool(lib.llama_state_seq_set_data(context, _pointer(data), len(data), sequence))


def _pointer(data: Bytes) -> Any:
    return data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def with_values(state: Bytes, *, transposed: bool) -> Bytes:
    """The state as a cache whose values are ``transposed``, or are not, reads it.

    Raises ValueError where the layout is not the known one.
    """
    pieces, at = [state[:_HEAD_BYTES]], _HEAD_BYTES
    while at < len(state):  # models with a sliding window have two caches
        at = _convert(state, at, transposed, pieces)
    return np.concatenate(pieces)


def _convert(state: Bytes, at: int, transposed: bool, pieces: list[Bytes]) -> int:
    """Adds the parts of one cache, which begins at ``at``, and returns where it ends."""
    start = at
    (n_streams, n_cells), at = _read(state, at, "<II")
    if n_streams != 1:
        raise ValueError("a state of several streams")
    if not n_cells:
        pieces.append(state[start:at])
        return at
    at += n_cells * _CELL_BYTES
    flag_at = at
    (is_transposed, n_layers), at = _read(state, at, "<II")
    if is_transposed > 1:
        raise ValueError("a state of another layout")
    for _ in range(n_layers):
        (_, row_bytes), at = _read(state, at, "<iQ")
        at += n_cells * row_bytes
    pieces += [state[start:flag_at], _packed("<I", transposed), state[flag_at + 4 : at]]
    for _ in range(n_layers):
        at = _convert_values(state, at, n_cells, bool(is_transposed), transposed, pieces)
    return at


def _convert_values(
    state: Bytes, at: int, n_cells: int, is_transposed: bool, transposed: bool, pieces: list[Bytes]
) -> int:
    """One layer's values: rows of cells, or, transposed, one row of all cells for each element."""
    if is_transposed:
        (kind, element_bytes, n_elements), at = _read(state, at, "<iII")
    else:
        (kind, row_bytes), at = _read(state, at, "<iQ")
        element_bytes = 2
        n_elements = row_bytes // element_bytes
    if kind != _F16 or element_bytes != 2:
        raise ValueError("values of another type")
    end = at + n_cells * n_elements * element_bytes
    if end > len(state):
        raise ValueError("a state that is cut off")
    values = state[at:end].view(np.uint16)
    if is_transposed != transposed:
        shape = (n_elements, n_cells) if is_transposed else (n_cells, n_elements)
        values = np.ascontiguousarray(values.reshape(shape).T)
    head = (
        _packed("<iII", kind, element_bytes, n_elements)
        if transposed
        else _packed("<iQ", kind, n_elements * element_bytes)
    )
    pieces += [head, values.reshape(-1).view(np.uint8)]
    return end


def _read(state: Bytes, at: int, layout: str) -> tuple[tuple[int, ...], int]:
    end = at + struct.calcsize(layout)
    if end > len(state):
        raise ValueError("a state that is cut off")
    return struct.unpack_from(layout, state.data, at), end


def _packed(layout: str, *values: int) -> Bytes:
    return np.frombuffer(struct.pack(layout, *values), np.uint8)
