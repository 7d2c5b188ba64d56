"""CORE's dictionaries: what followed the last one, two and three tokens."""

from hypothesis import given
from hypothesis import strategies as st

from spectra_local.speculation.core import LEAST_SHARE, MOST_SEEN, RANKED, Entry, NgramTable
from spectra_local.speculation.match import TOKEN_BITS

TOKENS = st.integers(0, 262_143)
VIEWS = st.lists(
    st.dictionaries(TOKENS, st.floats(0.0, 1.0), min_size=1, max_size=8), min_size=1, max_size=80
)  # one a step: the model's weights of some tokens


def packed(*tokens: int) -> int:
    key = 0
    for token in tokens:
        key = key << TOKEN_BITS | token
    return key


def test_an_observation_is_found_after_each_of_the_three_lengths_and_after_no_other_context() -> None:
    table = NgramTable()
    table.add(packed(1, 2, 3), [9, 8], [0.75, 0.25])
    found = table.longest_first(packed(1, 2, 3))
    assert [(family, entry.seen, entry.weights) for family, entry in found] == [
        (0, 1.0, {9: 0.75, 8: 0.25}),
        (2, 1.0, {9: 0.75, 8: 0.25}),
        (4, 1.0, {9: 0.75, 8: 0.25}),
    ]
    assert table.longest_first(packed(1, 2, 4)) == []


def test_observations_add_up_by_what_their_contexts_share() -> None:
    table = NgramTable()
    table.add(packed(1, 2, 3), [9], [1.0])
    table.add(packed(5, 2, 3), [9, 7], [0.5, 0.5])
    three, two, one = (entry for _, entry in table.longest_first(packed(5, 2, 3)))
    assert (three.seen, three.weights) == (1.0, {9: 0.5, 7: 0.5})
    assert (two.seen, two.weights) == (one.seen, one.weights) == (2.0, {9: 1.5, 7: 0.5})


@given(VIEWS)
def test_an_entry_stays_bounded_and_ranks_by_weight(views: list[dict[int, float]]) -> None:
    entry = Entry()
    for view in views:
        entry.add(list(view), list(view.values()))
        ranked = entry.ranked()
        weights = [entry.weights[token] for token in ranked]
        assert weights == sorted(entry.weights.values(), reverse=True)[:RANKED]
        assert 0.0 < entry.seen < MOST_SEEN
        assert max(entry.weights.values(), default=0.0) <= entry.seen + 1e-9, "a share is no more than 1"


def test_what_is_halved_keeps_its_shares_and_forgets_what_is_rare() -> None:
    entry = Entry()
    entry.add([3], [LEAST_SHARE * MOST_SEEN / 4])
    for _ in range(int(MOST_SEEN) - 2):
        entry.add([1, 2], [0.75, 0.25])
    assert 3 in entry.weights
    share = entry.weights[1] / entry.weights[2]
    entry.add([1, 2], [0.75, 0.25])
    assert entry.seen == MOST_SEEN / 2
    assert entry.weights[1] / entry.weights[2] == share
    assert 3 not in entry.weights
