import pytest

from spectra_local.history.in_memory import MemoryHistory
from spectra_local.speculation.core import Entry, NgramTable
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.interface import ROOT, DraftTree, TopK
from spectra_local.speculation.retrieval import count

FLAT = CostCurve({1: 1.0, 64: 2.0})
DEAR = CostCurve({1: 1.0, 64: 64.0})
STEEP = CostCurve({1: 1.0, 2: 1.9, 16: 11.0, 64: 35.0})  # SmolLM2 on two cores with AVX2
TEXT = list(range(100, 180))


def certain(tokens: list[int]) -> list[TopK]:
    return [TopK([token], [1.0]) for token in tokens]


def test_text_of_the_prompt_is_drafted_as_one_chain() -> None:
    drafter = SpectraDrafter(FLAT)
    drafter.begin([*TEXT, 1, *TEXT[:30]])
    first = drafter.propose(8)
    assert first.tokens[: first.size] == TEXT[30:38]
    drafter.learn(TEXT[30:39], certain(TEXT[30:39]))
    tree = drafter.propose(40)
    assert tree.size == 40
    assert tree.tokens[:40] == TEXT[39:79]
    assert tree.parents[:40] == [ROOT, *range(39)]


def test_no_more_nodes_than_the_budget_and_none_where_it_is_nothing() -> None:
    drafter = SpectraDrafter(FLAT)
    drafter.begin([*TEXT, 1, *TEXT[:30]])
    assert drafter.propose(5).size == 5
    assert drafter.propose(0).size == 0
    assert drafter.propose(-1).size == 0
    assert drafter.propose(1000).size <= FLAT.max_width - 1


def test_nothing_is_drafted_where_width_costs_too_much() -> None:
    drafter = SpectraDrafter(DEAR)
    drafter.begin([*TEXT, 1, *TEXT[:30]])
    assert drafter.propose(40).size == 0


def test_nothing_is_drafted_beyond_an_end() -> None:
    drafter = SpectraDrafter(FLAT, ends=[TEXT[34]])
    drafter.begin([*TEXT, 1, *TEXT[:30]])
    tree = drafter.propose(40)
    assert tree.tokens[: tree.size] == TEXT[30:35]


def test_parents_stand_before_children_and_no_child_is_drafted_twice() -> None:
    drafter = SpectraDrafter(FLAT)
    drafter.begin([1, 2, 3, 1, 2, 4, 1, 2, 5, 1, 2, 3, 1, 2])
    tree = drafter.propose(63)
    assert {3, 4, 5} <= {t for t, parent in zip(tree.tokens, tree.parents, strict=True) if parent == ROOT}
    assert tree.size > 10
    assert all(parent < node for node, parent in enumerate(tree.parents))
    assert len(set(zip(tree.parents, tree.tokens, strict=True))) == len(tree.tokens)


def test_a_history_is_drafted_from() -> None:
    history = MemoryHistory()
    history.add(TEXT)
    drafter = SpectraDrafter(FLAT, [history])
    drafter.begin(TEXT[:40])
    tree = drafter.propose(30)
    assert tree.tokens[: tree.size] == TEXT[40:70]
    assert set(tree.sources[: tree.size]) == {"history"}


@pytest.mark.parametrize("n_prompt", [40, 400])
def test_an_earlier_answer_to_the_same_prompt_is_drafted_from_though_the_first_token_came_without_a_draft(
    n_prompt: int,
) -> None:
    prompt, form = [*range(1000, 995 + n_prompt), *TEXT[:5]], TEXT[:5]
    history = MemoryHistory()
    history.add([*prompt, *TEXT[5:]])
    drafter = SpectraDrafter(STEEP, [history])
    for i in range(20):  # other prompts of the same form, with other answers
        history.add([3000 + i, *form, 4000 + i, 5000 + i])
        drafter.begin([6000 + i, *form])
        drafter.propose(20).size = 0
        drafter.learn([7000 + i], certain([7000 + i]))
    drafter.begin(prompt)
    drafter.propose(20).size = 0  # the prompt had to be read
    drafter.learn([TEXT[5]], certain([TEXT[5]]))
    tree = drafter.propose(20)
    assert tree.size >= 8
    assert tree.tokens[: tree.size] == TEXT[6 : 6 + tree.size]


def test_two_records_that_disagree_are_both_drafted_where_they_part() -> None:
    history = MemoryHistory()
    history.add([*TEXT[:50], 7, 8, 9])
    history.add(TEXT[:52])
    drafter = SpectraDrafter(FLAT, [history])
    drafter.begin(TEXT[:40])
    tree = drafter.propose(45)
    fork = [tree.tokens.index(token) for token in (7, TEXT[50])]
    assert tree.tokens[:10] == TEXT[40:50]
    assert [tree.parents[node] for node in fork] == [9, 9]


def test_a_prediction_says_more_than_earlier_answers_to_requests_of_the_same_form() -> None:
    form, other = list(range(10, 50)), list(range(300, 340))
    history = MemoryHistory("history")
    history.add([1, 2, 3, *form, *other])
    drafter = SpectraDrafter(FLAT, [history])
    drafter.begin([4, 5, 6, *form], prediction=TEXT)
    tree = drafter.propose(8)
    assert tree.tokens[: tree.size] == TEXT[:8]


def test_an_earlier_answer_to_the_same_request_says_more_than_the_prediction() -> None:
    asked, answer = list(range(300, 400)), [*TEXT[:40], 7, 8, 9, *TEXT[43:]]
    history = MemoryHistory("history")
    history.add([*asked, *answer])
    drafter = SpectraDrafter(FLAT, [history])
    drafter.begin(asked, prediction=TEXT)
    tree = drafter.propose(60)
    assert len(tree.accepted_nodes(answer)) > 43


def test_a_prediction_is_drafted_from_its_first_token() -> None:
    drafter = SpectraDrafter(FLAT)
    drafter.begin([1, 2, 3], prediction=TEXT)
    tree = drafter.propose(20)
    assert tree.tokens[:5] == TEXT[:5]
    drafter.learn([*TEXT[:4], 9], certain([*TEXT[:4], 9]))
    drafter.learn([TEXT[6]], certain([TEXT[6]]))
    drafter.learn([TEXT[7]], certain([TEXT[7]]))
    assert TEXT[8] in drafter.propose(20).tokens


@pytest.mark.parametrize(
    ("prompt", "drafted"),
    [
        (TEXT[:10], []),  # what the request before it went on with, in its prompt and in what was predicted of it
        ([*TEXT[:10], 1, 2, 3, *TEXT[:5]], [*TEXT[5:10], 1, 2, 3]),
    ],
)
def test_no_state_of_a_request_reaches_the_next(prompt: list[int], drafted: list[int]) -> None:
    fresh, used = SpectraDrafter(FLAT), SpectraDrafter(FLAT)
    used.begin([*TEXT, 1, *TEXT[:10]], prediction=TEXT)
    assert used.propose(10).size
    used.end()
    for drafter in (used, fresh):
        drafter.begin(prompt)
    tree = used.propose(8)
    assert tree == fresh.propose(8)
    assert tree.tokens[: tree.size] == drafted


def test_core_lives_on_over_requests() -> None:
    drafter = SpectraDrafter(FLAT)
    for _ in range(6):
        drafter.begin([11, 12, 13])
        for token in (21, 22, 23):
            drafter.propose(10)
            drafter.learn([token], [TopK([token], [1.0])])
        drafter.end()
    drafter.begin([11, 12, 13])
    tree = drafter.propose(10)
    assert tree.tokens[:2] == [21, 22]
    assert tree.sources[0] == "core"


def test_learning_needs_no_view_of_the_model() -> None:
    drafter = SpectraDrafter(FLAT)
    drafter.begin([*TEXT, 1])
    drafter.propose(10)
    drafter.learn(TEXT[:5], [])
    tree = drafter.propose(10)
    assert tree.tokens[: tree.size] == TEXT[5:15]


def test_a_repeated_wrong_guess_is_drafted_less() -> None:
    drafter = SpectraDrafter(FLAT)
    sizes = []
    for i in range(60):
        drafter.begin([*TEXT[:4], 1, *TEXT[:3]])
        sizes.append(drafter.propose(10).size)
        drafter.learn([500 + i], certain([500 + i]))
    assert sum(sizes[-10:]) < sum(sizes[:10])


def test_the_first_verified_nodes_of_a_tree_are_found_along_a_path() -> None:
    tree = DraftTree()
    a = tree.add(5, ROOT, "core")
    b = tree.add(6, a, "core")
    tree.add(7, b, "core")
    tree.size = 2
    assert tree.accepted_nodes([5, 6, 7]) == [a, b]
    assert tree.accepted_nodes([6]) == []


def test_an_entry_forgets_what_was_rare() -> None:
    entry = Entry()
    entry.add([1, 2], [0.99, 0.01])
    for _ in range(40):
        entry.add([1], [1.0])
    assert entry.ranked() == [1]


def test_the_longest_known_context_comes_first() -> None:
    table = NgramTable()
    table.add(1 << 42 | 2 << 21 | 3, [9], [1.0])
    assert [family for family, _ in table.longest_first(1 << 42 | 2 << 21 | 3)] == [0, 2, 4]
    assert [family for family, _ in table.longest_first(5 << 42 | 2 << 21 | 3)] == [1, 4]
    assert [family for family, _ in table.longest_first(5 << 42 | 6 << 21 | 3)] == [3]


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.0000001])
def test_weights_at_and_just_beyond_their_border_are_taken(confidence: float) -> None:
    drafter = SpectraDrafter(FLAT)
    drafter.begin([1, 2, 3])
    for _ in range(5):
        drafter.propose(5)
        drafter.learn([4], [TopK([4, 5], [confidence, 1.0 - confidence])])
    assert drafter.propose(5).tokens[0] == 4


@pytest.mark.parametrize(("four", "is_cheap"), [(1.25, True), (2.85, False)])
def test_dictionaries_of_corpora_are_used_where_wide_passes_are_cheap(four: float, is_cheap: bool) -> None:
    drafter = SpectraDrafter(CostCurve({1: 1.0, 4: four, 16: four}))
    drafter.retrieve_from(count([[7, 8, 9, 10, 11, 12, 13, 14] * 30]))
    drafter.begin([1, 2, 7, 8])
    tree = drafter.propose(15)
    assert tree.tokens[:4] == ([9, 10, 11, 12] if is_cheap else [])
    assert set(tree.sources) == ({"corpus"} if is_cheap else set())
