"""Growing a draft: best first, within the budget, no further than what pays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.core import NgramTable
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.interface import ROOT
from spectra_local.speculation.learned import Learned
from spectra_local.speculation.match import CONTEXT, HISTORY, TOKEN_BITS, Pointer
from spectra_local.speculation.recent import Recent
from spectra_local.speculation.tree import SURE, TreeGrower

FLAT = CostCurve({1: 1.0, 64: 2.0})
DEAR = CostCurve({1: 1.0, 64: 64.0})
TEXT = list(range(100, 300))


def grown(
    pointers: list[Pointer],
    *,
    core: NgramTable | None = None,
    key: int = 0,
    budget: int = 63,
    cost: CostCurve = FLAT,
    ends: tuple[int, ...] = (),
) -> TreeGrower:
    grower = TreeGrower(Learned(Calibration.shipped(), core or NgramTable()), Recent(), cost, ends)
    grower.grow(key, pointers, budget)
    return grower


def chains(grower: TreeGrower) -> list[list[int]]:
    """The tokens from the root to each leaf."""
    tree = grower.tree
    leaves = set(range(len(tree.tokens))) - set(tree.parents)
    found = []
    for node in sorted(leaves):
        chain = []
        while node != ROOT:
            chain.append(tree.tokens[node])
            node = tree.parents[node]
        found.append(chain[::-1])
    return found


def test_a_sure_match_is_one_chain_as_far_as_the_budget() -> None:
    grower = grown([Pointer(2 * SURE, CONTEXT, TEXT, 10, -1)], budget=20)
    assert chains(grower) == [TEXT[10:30]]


def test_two_sure_matches_are_drafted_as_far_as_they_agree_then_both() -> None:
    other = [*TEXT[:20], 7, 8, 9]
    grower = grown([Pointer(SURE, HISTORY, text, 10, -1) for text in (TEXT, other)])
    trunk, *rest = sorted(chains(grower), key=len, reverse=True)
    assert trunk[:10] == TEXT[10:20]
    assert any(chain[:11] == [*TEXT[10:20], 7] for chain in (trunk, *rest))
    assert any(chain[:11] == TEXT[10:21] for chain in (trunk, *rest))


def test_nothing_follows_an_end() -> None:
    grower = grown([Pointer(2 * SURE, CONTEXT, TEXT, 10, -1)], ends=(TEXT[14],))
    assert chains(grower) == [TEXT[10:15]]


def test_where_width_is_dear_no_draft_of_doubtful_tokens_grows() -> None:
    doubtful = [Pointer(2, CONTEXT, TEXT, 10, -1), Pointer(2, CONTEXT, TEXT, 50, -1)]
    assert grown(doubtful).tree.tokens
    assert not grown(doubtful, cost=DEAR).tree.tokens


def test_a_dictionary_alone_is_drafted_from() -> None:
    core = NgramTable()
    for _ in range(20):
        core.add(1 << 2 * TOKEN_BITS | 2 << TOKEN_BITS | 3, [4], [1.0])
        core.add(2 << 2 * TOKEN_BITS | 3 << TOKEN_BITS | 4, [5], [1.0])
    grower = grown([], core=core, key=1 << 2 * TOKEN_BITS | 2 << TOKEN_BITS | 3)
    assert [4, 5] in [chain[:2] for chain in chains(grower)]
    assert set(grower.tree.sources) == {"core"}


@pytest.mark.parametrize("budget", [0, 1, 5])
def test_no_node_is_beyond_the_budget(budget: int) -> None:
    grower = grown([Pointer(2 * SURE, CONTEXT, TEXT, 10, -1)], budget=budget)
    assert len(grower.tree.tokens) == len(grower.chances) == budget


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([CONTEXT, HISTORY]), st.integers(0, 190)), max_size=8),
    st.integers(0, 63),
)
def test_a_tree_is_whole_and_its_chances_fall(places: list[tuple[int, int, int]], budget: int) -> None:
    text = [token % 5 for token in range(200)]  # so that matches agree here and part there
    grower = grown([Pointer(length, source, text, at, -1) for length, source, at in places], budget=budget)
    tree = grower.tree
    assert len(tree.tokens) == len(tree.parents) == len(tree.sources) == len(grower.chances) <= budget
    assert len(set(zip(tree.parents, tree.tokens, strict=True))) == len(tree.tokens)
    for node, parent in enumerate(tree.parents):
        assert ROOT <= parent < node
        assert 0.0 < grower.chances[node] <= (grower.chances[parent] if parent != ROOT else 1.0)
        assert grower.child(parent, tree.tokens[node]) == node
