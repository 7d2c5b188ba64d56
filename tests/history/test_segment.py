"""One file of the index: what it finds, and that a damaged one is known as such."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectra_local.history.lookup import BY_MODEL, BY_USER, LONG, SHORT
from spectra_local.history.segment import DamagedSegmentError, Segment, build, is_sampled, key_of

N_VOCAB = 50
Record = Sequence[tuple[int, int, Sequence[int]]]  # (row id, origin, tokens) of each turn


def built(path: Path, records: Sequence[Record], *, sampled: bool = False) -> Segment:
    arrays = [[(row, origin, np.array(tokens, np.int32)) for row, origin, tokens in record] for record in records]
    build(path, "fp", 0, 99, [1, 2, 3], arrays, sampled=sampled)
    return Segment(path)


def positions(records: Sequence[Record], ending: Sequence[int]) -> set[int]:
    """Where a search from scratch finds a token that follows ``ending`` in its record."""
    found, start = set(), 0
    for record in records:
        tokens = [token for _, _, turn in record for token in turn]
        for at in range(len(ending), len(tokens)):
            if tokens[at - len(ending) : at] == list(ending):
                found.add(start + at)
        start += len(tokens) + 1
    return found


FEW_TOKENS = st.lists(st.integers(0, 3), max_size=30)
TURNS = st.tuples(st.integers(1, 9), st.sampled_from([BY_MODEL, BY_USER]), FEW_TOKENS)
RECORDS = st.lists(st.lists(TURNS, min_size=1, max_size=3), min_size=1, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS, st.lists(st.integers(0, 3), min_size=SHORT, max_size=SHORT))
def test_places_are_those_of_a_search_from_scratch(tmp_path: Path, records: list[Record], ending: list[int]) -> None:
    segment = built(tmp_path / "a.segment", records)
    expected = positions(records, ending)
    found = segment.places(key_of(ending), long=False)
    assert set(found) <= expected
    assert len(found) == min(len(expected), 8)
    assert sorted(found) == sorted(expected)[-len(found) :] if found else not expected


def test_what_follows_stops_at_a_records_end_and_at_no_token_of_the_vocabulary(tmp_path: Path) -> None:
    segment = built(tmp_path / "a.segment", [[(1, BY_USER, range(10)), (2, BY_MODEL, range(10, 15))], [(3, 0, [7])]])
    assert segment.following(4, 99, N_VOCAB) == list(range(4, 15))
    assert segment.following(4, 3, N_VOCAB) == [4, 5, 6]
    assert segment.following(4, 99, 12) == list(range(4, 12))
    assert segment.following(15, 99, N_VOCAB) == [], "the wall between records"
    assert segment.following(16, 99, N_VOCAB) == [7]
    assert segment.following(10_000, 5, N_VOCAB) == []


def test_turns_origins_and_beginnings_are_told(tmp_path: Path) -> None:
    segment = built(tmp_path / "a.segment", [[(11, BY_USER, [1, 2, 3]), (12, BY_MODEL, [4, 5])], [(13, BY_USER, [6])]])
    assert [segment.turn_at(at) for at in (0, 2, 3, 4, 6)] == [11, 11, 12, 12, 13]
    assert [segment.origin_at(at) for at in (0, 3, 6)] == [BY_USER, BY_MODEL, BY_USER]
    assert [segment.begins_at(at) for at in (0, 1, 3, 6)] == [True, False, False, True]
    assert list(segment.covered) == [1, 2, 3]


def test_a_sampled_segment_has_the_long_keys_that_are_sampled_and_no_other(tmp_path: Path) -> None:
    text = random.Random(1).choices(range(N_VOCAB), k=400)
    segment = built(tmp_path / "a.segment", [[(1, BY_MODEL, text)]], sampled=True)
    n_found = 0
    for at in range(LONG, len(text)):
        key = key_of(text[at - LONG : at])
        assert (at in segment.places(key, long=True)) == bool(is_sampled(key))
        n_found += bool(is_sampled(key))
        assert not segment.places(key_of(text[at - SHORT : at]), long=False)
    assert 10 < n_found < 200


def test_whatever_byte_is_damaged_verify_or_opening_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    built(path, [[(1, BY_USER, range(30)), (2, BY_MODEL, range(30))]]).verify()
    content = path.read_bytes()
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0x21
        path.write_bytes(damaged)
        with pytest.raises(DamagedSegmentError):
            Segment(path).verify()


def test_wherever_it_is_cut_off_it_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    built(path, [[(1, BY_USER, range(30))]])
    content = path.read_bytes()
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(DamagedSegmentError):
            Segment(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_one_gives_tokens_of_the_vocabulary_or_nothing(tmp_path: Path, data: st.DataObject) -> None:
    """Opened before its checksums are read, as the engine does."""
    path = tmp_path / "a.segment"
    built(path, [[(1, BY_USER, range(30)), (2, BY_MODEL, range(30))]])
    content = bytearray(path.read_bytes())
    for _ in range(5):
        content[data.draw(st.integers(16, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        segment = Segment(path)
    except DamagedSegmentError:
        return
    for at in range(30):
        ending = [(at + i) % 30 for i in range(SHORT)]
        for position in segment.places(key_of(ending), long=False):
            assert all(0 <= token < N_VOCAB for token in segment.following(position, 40, N_VOCAB))
            segment.turn_at(position)
            assert segment.origin_at(position) in range(4)
