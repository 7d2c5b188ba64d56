import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.llama import native
from spectra_local.llama.context import Context
from spectra_local.llama.kv_state import Bytes, saved, with_values
from spectra_local.llama.model import Model


def made(n_cells: int, layers: list[tuple[int, int]], *, transposed: bool, seed: int = 0) -> Bytes:
    """One cache as llama.cpp lays it out; ``layers``: elements of a key and a value."""
    rng = np.random.default_rng(seed)
    parts = [struct.pack("<II", 1, n_cells)]
    if n_cells:
        parts += [struct.pack("<iIi", at, 1, 0) for at in range(n_cells)]
        parts.append(struct.pack("<II", transposed, len(layers)))
        parts += [struct.pack("<iQ", 1, 2 * n_key) + rng.bytes(2 * n_key * n_cells) for n_key, _ in layers]
        for _, n_value in layers:
            values = rng.integers(0, 1 << 16, (n_cells, n_value), np.uint16)
            if transposed:
                parts.append(struct.pack("<iII", 1, 2, n_value) + values.T.tobytes())
            else:
                parts.append(struct.pack("<iQ", 1, 2 * n_value) + values.tobytes())
    return np.frombuffer(b"".join(parts), np.uint8)


HEAD = np.frombuffer(struct.pack("<Ii", 0xAF143C98, 0), np.uint8)
caches = st.tuples(st.integers(0, 7), st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=3))


@given(st.lists(caches, min_size=1, max_size=2), st.booleans(), st.booleans())
def test_values_are_turned_and_nothing_else_is_touched(
    several: list[tuple[int, list[tuple[int, int]]]], before: bool, after: bool
) -> None:
    state, expected = (
        np.concatenate([HEAD, *(made(n, layers, transposed=transposed) for n, layers in several)])
        for transposed in (before, after)
    )
    assert with_values(state, transposed=after).tobytes() == expected.tobytes()


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_state_of_another_layout_is_refused_or_keeps_its_size(at: int, byte: int) -> None:
    state = np.concatenate([HEAD, made(5, [(3, 4), (3, 4)], transposed=False)])
    state[at % len(state)] = byte
    for damaged in (state, state[: at % len(state)]):
        with suppress(ValueError):
            assert len(with_values(damaged, transposed=True)) == len(damaged)


def test_other_types_of_values_are_refused() -> None:
    state = np.concatenate([HEAD, made(1, [(2, 2)], transposed=False)])
    state[-16:-12] = list(struct.pack("<i", 8))  # Q8_0
    with pytest.raises(ValueError, match="another type"):
        with_values(state, transposed=True)


@pytest.mark.model
def test_a_real_state_is_the_same_after_two_changes(
    smollm2: Model, abort: native.AbortFlag, story: list[int], context: Context
) -> None:
    list(context.prefill(story))
    state = saved(context.handle, 0, transposed=not context.flash)
    turned = with_values(state.data, transposed=not state.transposed)
    assert turned.tobytes() != state.data.tobytes()
    assert with_values(turned, transposed=state.transposed).tobytes() == state.data.tobytes()
