"""CORE's dictionaries as a file: what goes in comes out, and no damage does more than a ValueError."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.speculation import core_file
from spectra_local.speculation.core import NgramTable
from spectra_local.speculation.match import TOKEN_BITS

N_VOCAB = 1000


def table_of(n: int) -> NgramTable:
    table = NgramTable()
    for i in range(n):
        key = (i % 7) << 2 * TOKEN_BITS | (i % 11) << TOKEN_BITS | i % N_VOCAB
        table.add(key, [i % 13, 100 + i % 17], [0.75, 0.25])
    return table


def levels(table: NgramTable) -> list[dict[int, tuple[float, dict[int, float]]]]:
    return [
        {key: (entry.seen, entry.weights) for key, entry in level.items()}
        for level in (table.one, table.two, table.three)
    ]


def sealed(body: bytes) -> bytes:
    """As another program, or somebody hostile, would write it: with a checksum that fits."""
    return core_file.MAGIC + struct.pack("<I", zlib.crc32(body)) + body


def test_what_goes_in_comes_out() -> None:
    table = table_of(200)
    assert levels(core_file.loads(core_file.dumps(table), N_VOCAB)) == levels(table)
    assert levels(core_file.loads(core_file.dumps(NgramTable()), N_VOCAB)) == [{}, {}, {}]


def test_the_newest_entries_are_kept_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_file, "MOST_ENTRIES", 10)
    kept = core_file.loads(core_file.dumps(table_of(200)), N_VOCAB)
    assert list(kept.one) == list(range(190, 200))


def test_whatever_bit_is_flipped_it_is_refused() -> None:
    content = core_file.dumps(table_of(3))
    for at in range(len(content)):
        for bit in (1, 128):
            damaged = bytearray(content)
            damaged[at] ^= bit
            with pytest.raises(ValueError):
                core_file.loads(bytes(damaged), N_VOCAB)


def test_wherever_it_is_cut_off_it_is_refused() -> None:
    content = core_file.dumps(table_of(3))
    for end in range(len(content)):
        with pytest.raises(ValueError):
            core_file.loads(content[:end], N_VOCAB)


@given(st.binary(max_size=80))
def test_a_checksum_that_fits_makes_nonsense_no_better(body: bytes) -> None:
    try:
        table = core_file.loads(sealed(body), N_VOCAB)
    except ValueError:
        return
    for level in levels(table):
        for seen, weights in level.values():
            assert 1.0 <= seen <= 64.0
            assert all(token < N_VOCAB and 0.0 <= weight <= seen for token, weight in weights.items())


@pytest.mark.parametrize("seen", [float("nan"), float("inf"), -1.0, 0.0, 1e30])
@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -1.0, 1e30])
def test_absurd_numbers_are_refused_or_put_right(seen: float, weight: float) -> None:
    one = struct.pack("<IIQfIIf", 1, 1, 5, seen, 1, 7, weight)
    try:
        table = core_file.loads(sealed(one + struct.pack("<II", 0, 0) * 2), N_VOCAB)
    except ValueError:
        return
    entry = table.one[5]
    assert 1.0 <= entry.seen <= 64.0
    assert 0.0 <= entry.weights[7] <= entry.seen


def test_tokens_of_a_larger_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError):
        core_file.loads(core_file.dumps(table_of(200)), 110)
