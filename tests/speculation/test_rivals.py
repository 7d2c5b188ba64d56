"""Each rival drafts what its paper says, on token sequences small enough to check by hand."""

import random
from collections import Counter

import pytest

from spectra_local.speculation.interface import ROOT, Drafter, DraftTree, TopK
from spectra_local.speculation.rivals import RIVALS, TextStore
from spectra_local.speculation.rivals.anpd import Anpd
from spectra_local.speculation.rivals.lookahead import Lookahead
from spectra_local.speculation.rivals.prompt_lookup import PromptLookup
from spectra_local.speculation.rivals.rest import TREE_NODES, Rest
from spectra_local.speculation.rivals.suffix_decoding import SuffixDecoding
from spectra_local.speculation.rivals.suffix_tree import SuffixTree
from spectra_local.speculation.rivals.token_recycling import STATIC_TREE, TokenRecycling

BUDGET = 127


def paths(tree: DraftTree) -> list[list[int]]:
    """Tokens from the root to each node, in the tree's order."""
    found: list[list[int]] = []
    for token, parent in zip(tree.tokens, tree.parents, strict=True):
        found.append([*(found[parent] if parent != ROOT else []), token])
    return found


def views(*rows: list[int]) -> list[TopK]:
    return [TopK(row, [1 / len(row)] * len(row)) for row in rows]


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_keeps_the_rules_of_a_drafter(name: str) -> None:
    drafter: Drafter = RIVALS[name]()
    dice = random.Random(name)
    for _ in range(3):
        text = [dice.randrange(4) for _ in range(60)]
        if isinstance(drafter, TextStore):
            drafter.add(text)
        drafter.begin(text[:20])
        done = 20
        while done < len(text):
            budget = dice.choice((1, 3, 40, BUDGET))
            tree = drafter.propose(budget)
            assert tree.size <= budget
            assert all(ROOT <= parent < i for i, parent in enumerate(tree.parents))
            siblings = list(zip(tree.parents, tree.tokens, strict=True))
            assert len(set(siblings)) == len(siblings)
            assert set(tree.sources) <= {name}
            taken = text[done : done + len(tree.accepted_nodes(text[done:])) + 1]
            drafter.learn(taken, views(*([token, (token + 1) % 4] for token in taken)))
            done += len(taken)
        drafter.end()
        drafter.end()


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_guesses_a_text_that_repeats_itself(name: str) -> None:
    drafter = RIVALS[name]()
    period = [11, 12, 13, 14, 15, 16, 17, 18]
    if isinstance(drafter, TextStore):
        drafter.add(period * 4)
    drafter.begin(period)
    accepted = 0
    for i in range(24):
        tree = drafter.propose(BUDGET)
        accepted += len(tree.accepted_nodes([period[(i + k) % 8] for k in range(20)]))
        drafter.learn([period[i % 8]], views([period[i % 8]]))
    assert accepted >= 24


def test_prompt_lookup_follows_the_first_place_of_the_longest_ngram() -> None:
    drafter = PromptLookup()
    drafter.begin([7, 1, 2, 3, 50, 51, 9, 1, 2, 3, 60, 61, 8, 1, 2, 3])
    assert drafter.propose(BUDGET).tokens[:2] == [50, 51]
    drafter.learn([60], [])
    assert drafter.propose(BUDGET).tokens[:2] == [61, 8]


def test_prompt_lookup_drafts_ten_tokens_and_nothing_where_all_is_new() -> None:
    drafter = PromptLookup()
    drafter.begin(list(range(100, 130)))
    assert drafter.propose(BUDGET).size == 0
    drafter.learn([100], [])
    assert drafter.propose(BUDGET).tokens == list(range(101, 111))


def test_a_new_request_forgets_the_last_ones_context() -> None:
    for drafter in (PromptLookup(), Anpd(), Lookahead()):
        drafter.begin([1, 2, 3, 4, 5, 6, 7, 8, 9] * 3)
        drafter.begin([1])
        assert drafter.propose(BUDGET).size == 0


def test_anpd_takes_the_most_frequent_successor_of_the_longest_context() -> None:
    drafter = Anpd()
    drafter.begin([1, 2, 70, 1, 2, 80, 1, 2, 80, 5, 2, 90, 5, 2, 90, 5, 2, 90, 1, 2])
    assert drafter.propose(1).tokens == [80]  # after (1, 2); after 2 alone 90 is more frequent
    drafter.begin([1, 2, 70, 1, 2, 80, 1, 2, 80, 5, 2, 90, 5, 2, 90, 5, 2, 90, 6, 2])
    assert drafter.propose(1).tokens == [90]  # (6, 2) is new


def test_rest_drafts_the_most_frequent_continuations_from_its_datastore_only() -> None:
    drafter = Rest([[1, 2, 3, 10], [1, 2, 3, 10], [1, 2, 3, 20]])
    drafter.begin([30, 1, 2, 3, 40, 1, 2, 3])
    assert paths(drafter.propose(BUDGET)) == [[10], [20]]
    assert drafter.propose(1).tokens == [10]


def test_rest_stops_at_the_end_of_a_text_and_at_64_nodes() -> None:
    assert _rest([[1, 2, 3], [4, 5]], [1, 2]) == [[3]]
    store = [[1, 2, 100 + i, 200 + i] for i in range(60)]
    assert len(_rest(store, [1, 2])) == TREE_NODES


def test_rest_searches_sixteen_tokens_down_to_two() -> None:
    long = list(range(16))
    assert _rest([[*long, 99], [14, 15, 77], [14, 15, 77]], long) == [[99]]
    assert _rest([[5, 6]], [5]) == []


def _rest(store: list[list[int]], context: list[int]) -> list[list[int]]:
    drafter = Rest(store)
    drafter.begin(context)
    return paths(drafter.propose(BUDGET))


def test_lookahead_keeps_the_seven_latest_ngrams_of_a_first_token() -> None:
    drafter = Lookahead(ngram=3, guesses=2)
    drafter.begin([1, 10, 11, 1, 20, 21, 1, 30, 31, 1])
    assert paths(drafter.propose(BUDGET)) == [[30], [30, 31], [20], [20, 21]]
    standard = Lookahead()
    standard.begin([t for i in range(9) for t in (1, *range(10 * i + 10, 10 * i + 16))] + [1])
    assert {path[0] for path in paths(standard.propose(BUDGET)) if len(path) == 1} == {30, 40, 50, 60, 70, 80, 90}


def test_token_recycling_unrolls_its_matrix_into_the_static_tree() -> None:
    assert [sum(layer) for layer in STATIC_TREE] == [8, 21, 25, 15, 8, 3]
    drafter = TokenRecycling()
    drafter.begin([0])
    everything = list(range(8))
    for _ in range(8):
        drafter.learn(everything, views(*[everything] * 8))
    drafter.begin([0])
    tree = drafter.propose(BUDGET)
    assert tree.size == 80
    depths = Counter(len(path) for path in paths(tree))
    assert [depths[n] for n in range(1, 7)] == [8, 21, 25, 15, 8, 3]


def test_token_recycling_overwrites_a_row_and_keeps_it_across_requests() -> None:
    drafter = TokenRecycling()
    drafter.begin([1])
    drafter.learn([2, 3], views([2, 9], [3, 8]))
    drafter.end()
    drafter.begin([5, 1])
    assert paths(drafter.propose(BUDGET)) == [[2], [9], [2, 3], [2, 8]]
    drafter.learn([7], views([7]))
    drafter.begin([1])
    assert paths(drafter.propose(BUDGET)) == [[7]]


def test_suffix_decoding_drafts_as_many_tokens_as_matched() -> None:
    drafter = SuffixDecoding()
    drafter.begin([1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 1, 2, 3])
    assert drafter.propose(BUDGET).tokens == [4, 5, 6]
    drafter.learn([4], [])
    assert drafter.propose(BUDGET).tokens == [5, 6, 7, 8]


def test_suffix_decoding_branches_by_count_share_and_drops_the_unlikely() -> None:
    drafter = SuffixDecoding()
    drafter.begin([1, 2, 3, 10] * 12 + [1, 2, 3, 20] * 8 + [1, 2, 3, 30] + [1, 2, 3])
    firsts = {path[0] for path in paths(drafter.propose(BUDGET))}
    assert 10 in firsts or 20 in firsts
    assert 30 not in firsts


def test_suffix_decoding_learns_answers_across_requests_but_no_prompts() -> None:
    drafter = SuffixDecoding()
    drafter.begin([1, 2, 3, 4])
    drafter.learn([5, 6, 7, 8], [])
    drafter.end()
    drafter.begin([90, 5, 6])
    assert drafter.propose(BUDGET).tokens == [7, 8]
    drafter.begin([90, 2, 3])
    assert drafter.propose(BUDGET).size == 0


def test_a_suffix_tree_counts_as_a_brute_force_search_does() -> None:
    dice = random.Random(4)
    texts = [[dice.randrange(3) for _ in range(40)] for _ in range(6)]
    tree = SuffixTree(64)
    for text in texts[:-1]:
        for token in text:
            tree.push(token)
        tree.close()
    query = texts[-1]
    places: list = []
    for end, token in enumerate(query, 1):
        places = tree.advanced(places, token)
        expected = {n for n in range(1, end + 1) if _followers(texts[:-1], query[end - n : end]) is not None}
        assert {place.depth for place in places} == expected
        for place in places:
            followers = _followers(texts[:-1], query[end - place.depth : end])
            shares = {token: share for token, share, _ in tree.following(place)}
            assert set(shares) == set(followers)
            for token, count in followers.items():
                assert shares[token] * followers.total() == pytest.approx(count)


def _followers(texts: list[list[int]], ngram: list[int]) -> Counter[int] | None:
    """What follows ``ngram``, counted; None where it does not occur."""
    places = [
        (text, at + len(ngram))
        for text in texts
        for at in range(len(text) - len(ngram) + 1)
        if text[at : at + len(ngram)] == ngram
    ]
    return Counter(text[at] for text, at in places if at < len(text)) if places else None
