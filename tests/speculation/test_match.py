import random

from spectra_local.history.in_memory import MemoryHistory
from spectra_local.history.lookup import BY_USER, CORPUS
from spectra_local.speculation.cursor import HistoryCursor, PredictionCursor
from spectra_local.speculation.match import (
    AGAIN,
    ANSWER,
    ASKED,
    CONTEXT,
    COPYING,
    HISTORY,
    IMPORT,
    MOST_POINTERS,
    ContextMatcher,
    Pointer,
    without_outdone_foreign,
)


def matcher(tokens: list[int]) -> ContextMatcher:
    made = ContextMatcher()
    for token in tokens:
        made.push(token)
    return made


def _agreeing(tokens: list[int], at: int) -> int:
    """How many tokens before ``at`` equal those at the end."""
    length = 0
    while length < at and tokens[at - 1 - length] == tokens[-1 - length]:
        length += 1
    return length


def test_pointers_equal_a_search_from_scratch() -> None:
    rng = random.Random(1)
    tokens: list[int] = []
    growing = ContextMatcher(shortest=2, newest=100)
    most = 0
    for _ in range(120):
        tokens.append(rng.randrange(6))
        growing.push(tokens[-1])
        lengths = {at: _agreeing(tokens, at) for at in range(2, len(tokens))}
        expected = {(length, at) for at, length in lengths.items() if length >= 2}
        assert {(p.length, p.at) for p in growing.pointers(0)} == expected
        most = max(most, len(expected))
    assert 1 < most < MOST_POINTERS, "all of them fit in, and there were some"


def test_the_longest_match_is_followed() -> None:
    found = matcher([1, 2, 3, 4, 9, 2, 3, 7, 1, 2, 3]).pointers(11)
    best = max(found)
    assert (best.length, best.source, best.token(0)) == (3, CONTEXT, 4)


def test_a_match_into_the_answer_is_told_apart() -> None:
    assert {p.source for p in matcher([5, 1, 2, 3, 1, 2]).pointers(1)} == {ANSWER}


def test_a_pointer_goes_round_a_repeating_text() -> None:
    best = max(matcher([7, 1, 2, 1, 2]).pointers(5))
    assert best.run(0, 5) == [1, 2, 1, 2, 1]
    assert [best.token(i) for i in range(5)] == [1, 2, 1, 2, 1]


def test_a_pointer_without_wrap_ends_with_its_text() -> None:
    pointer = Pointer(4, 1, [5, 6], 0, -1)
    assert pointer.run(1, 9) == [6]
    assert pointer.token(2) == -1


def test_a_history_never_reads_from_one_record_into_the_next() -> None:
    history = MemoryHistory()
    history.add([1, 2, 3, 4, 5])
    history.add([6, 7, 8, 9])
    (match,) = history.matches([0, 1, 2, 3, 4], 6)
    assert match.length == 4
    assert history.following(match.position, 10) == [5]
    assert history.matches([3, 4, 5, 6], 6) == []


def test_a_history_finds_the_longest_match_first() -> None:
    history = MemoryHistory()
    history.add([*range(10, 40), 1])
    history.add([20, 36, 37, 38, 39, 2])
    matches = history.matches(list(range(10, 40)), 6)
    assert [m.length for m in matches] == [30, 4]
    assert history.following(matches[0].position, 1) == [1]


def test_a_corpus_is_searched_only_where_other_text_agrees_over_little() -> None:
    corpus = MemoryHistory(CORPUS)
    corpus.add(list(range(100)))
    context = list(range(50))
    near, far = Pointer(COPYING - 1, CONTEXT, [1], 0, -1), Pointer(COPYING, CONTEXT, [1], 0, -1)
    assert HistoryCursor(corpus).pointers(context, [far]) == []
    assert HistoryCursor(corpus).pointers(context, [near])[0].length == 50
    cursor = HistoryCursor(corpus)
    cursor.pointers(context)
    cursor.advance([50])
    assert cursor.pointers([*context, 50], [far])[0].length == 51


def test_an_earlier_answer_to_the_same_prompt_is_told_apart() -> None:
    prompt, answer, form = list(range(50)), list(range(60, 80)), list(range(45, 50))
    history = MemoryHistory()
    history.add([*prompt, *answer])
    history.add([*form, 99])
    sources = [p.source for p in HistoryCursor(history, len(prompt)).pointers(prompt)]
    assert sources == [AGAIN, HISTORY]  # the form is too short to know a prompt again by it
    other = [7, *prompt[1:]]
    assert HistoryCursor(history, len(other)).pointers(other)[0].source == HISTORY
    shortened = [*prompt[20:], *answer[:5]]
    assert HistoryCursor(history, len(shortened) - 5).pointers(shortened)[0].source == AGAIN
    asked = MemoryHistory()
    asked.add([*prompt, *answer], bytes([BY_USER]) * 70)
    assert HistoryCursor(asked, len(prompt)).pointers(prompt)[0].source == ASKED


def test_a_cursor_moves_on_without_a_search() -> None:
    class Counted(MemoryHistory):
        searches = 0

        def matches(self, context, limit):
            self.searches += 1
            return super().matches(context, limit)

    history = Counted()
    text = list(range(100, 200))
    history.add(text)
    cursor = HistoryCursor(history)
    assert max(cursor.pointers(text[:50])).run(0, 3) == [150, 151, 152]
    cursor.advance([150, 151])
    assert max(cursor.pointers(text[:52])).run(0, 1) == [152]
    assert history.searches == 1
    cursor.advance([7])
    assert cursor.pointers([*text[:52], 7]) == []
    assert history.searches == 2


def test_a_prediction_is_followed_from_its_start_and_realigned_after_a_change() -> None:
    cursor = PredictionCursor([1, 2, 3, 4, 5, 6, 7, 8])
    assert cursor.pointers()[0].run(0, 3) == [1, 2, 3]
    cursor.advance([1, 2, 99])
    assert cursor.pointers() == []
    cursor.advance([5, 6])
    assert cursor.pointers()[0].run(0, 9) == [7, 8]


def test_a_prediction_that_is_used_up_says_nothing() -> None:
    cursor = PredictionCursor([1, 2])
    cursor.advance([1, 2])
    assert cursor.pointers() == []


def test_the_end_of_the_last_copied_piece_is_remembered_when_the_copy_breaks_off() -> None:
    source = list(range(100, 120))
    copying = matcher([*source, 1, *source[:12]])
    assert copying.copied_to == 12
    copying.push(2)
    assert copying.copied_to == 12


def test_a_short_match_is_no_copy() -> None:
    assert matcher([1, 2, 3, 4, 9, 1, 2, 3, 4]).copied_to == 0


def test_an_import_has_a_say_only_where_ones_own_text_agrees_less_far() -> None:
    own, foreign = Pointer(6, HISTORY, [1], 0, -1), Pointer(6, IMPORT, [2], 0, -1)
    assert without_outdone_foreign([own, foreign]) == [own]
    assert without_outdone_foreign([own, foreign._replace(length=7)]) == [own, foreign._replace(length=7)]
    assert without_outdone_foreign([foreign]) == [foreign]
