"""Frequent runs, against counting them one by one."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_local.history.repeats import Repeats


def longest_frequent(symbols: list[int], groups: list[int]) -> list[int]:
    """The same by definition: every run, all its places."""
    n = len(symbols)
    places = defaultdict(list)
    for start in range(n):
        for end in range(start + Repeats.SHORTEST, min(n, start + Repeats.LONGEST) + 1):
            if symbols[end - 1] < 0:
                break
            if min(symbols[start:end]) >= 0:
                places[tuple(symbols[start:end])].append(start)
    length = [0] * n
    for run, starts in places.items():
        if len(starts) >= 3 and len({groups[start] for start in starts}) >= 2:
            for start in starts:
                length[start] = max(length[start], len(run))
    return length


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_position_has_its_longest_frequent_run(data: st.DataObject) -> None:
    piece = st.lists(st.integers(0, 2), min_size=1, max_size=14)
    pieces = data.draw(st.lists(piece, min_size=1, max_size=4))
    symbols: list[int] = []
    groups: list[int] = []
    for group in data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=10)):
        for _ in range(data.draw(st.integers(1, 3))):
            added = data.draw(st.sampled_from(pieces))
            symbols += added
            groups += [group] * len(added)
        symbols.append(-1)
        groups.append(group)
    found = Repeats(np.array(symbols, np.int64), np.array(groups, np.int64))
    assert found.length.tolist() == longest_frequent(symbols, groups)


@pytest.mark.parametrize(
    ("places", "expected"), [((0, 1, 2), True), ((0, 0, 1), True), ((0, 0, 0), False), ((0, 1), False)]
)
def test_a_run_needs_three_places_in_two_conversations(places: tuple[int, ...], expected: bool) -> None:
    symbols: list[int] = []
    groups: list[int] = []
    for number, group in enumerate(places):
        symbols += [100 + number, *range(20), 200 + number, -1]
        groups += [group] * 23
    runs = Repeats(np.array(symbols, np.int64), np.array(groups, np.int64)).runs()
    assert {tuple(symbols[start:end]) for start, end in runs} == ({tuple(range(20))} if expected else set())


def test_a_text_made_of_frequent_pieces_is_not_joined_from_them() -> None:
    whole = list(range(40))
    symbols: list[int] = [*whole, -1]
    groups = [0] * 41
    for start in range(0, 31, 5):
        for group in (1, 2, 3):
            symbols += [*whole[start : start + 10], -1]
            groups += [group] * 11
    found = Repeats(np.array(symbols, np.int64), np.array(groups, np.int64)).runs()
    assert max(end - start for start, end in found) == 10


def test_very_long_runs_come_in_overlapping_pieces() -> None:
    text = list(range(1000))
    symbols = [*text, -1] * 3
    groups = [0] * 1001 + [1] * 1001 + [2] * 1001
    runs = Repeats(np.array(symbols, np.int64), np.array(groups, np.int64)).runs()
    covered = set().union(*(symbols[start:end] for start, end in runs))
    assert covered == set(text)
    assert sum(end - start for start, end in runs) < 3 * 3 * len(text)


def test_nothing_repeats_in_nothing() -> None:
    assert Repeats(np.zeros(0, np.int64), np.zeros(0, np.int64)).runs() == []
