"""Reading along in earlier texts and in the text that a caller expects."""

import random

from spectra_local.history.in_memory import MemoryHistory
from spectra_local.history.lookup import BY_USER, IMPORTED
from spectra_local.speculation.cursor import FORM, HistoryCursor, PredictionCursor
from spectra_local.speculation.match import AGAIN, ASKED, CONTEXT, HISTORY, IMPORT, PREDICTION, Pointer

TEXT = list(range(100, 400))


def foreseen(pointers: list[Pointer], count: int) -> list[list[int]]:
    return [pointer.run(0, count) for pointer in pointers]


def test_a_history_is_read_on_from_where_the_context_ends() -> None:
    history = MemoryHistory()
    history.add([2, *TEXT])
    cursor = HistoryCursor(history, prompt_n=100)
    (found,) = cursor.pointers([1, *TEXT[:60]])
    assert (found.length, found.source, found.run(0, 5)) == (60, HISTORY, TEXT[60:65])


def test_who_wrote_it_is_told() -> None:
    history = MemoryHistory()
    history.add(TEXT[:50], bytes([BY_USER]) * 50)
    history.add(TEXT[200:250], bytes([IMPORTED]) * 50)
    assert [p.source for p in HistoryCursor(history).pointers([1, *TEXT[:20]])] == [ASKED]
    assert [p.source for p in HistoryCursor(history).pointers([1, *TEXT[200:220]])] == [IMPORT]


def test_a_match_that_reaches_to_where_both_begin_is_the_same_request_again() -> None:
    history = MemoryHistory()
    history.add(TEXT)
    assert [p.source for p in HistoryCursor(history, prompt_n=40).pointers(TEXT[:42])] == [AGAIN]


def test_following_what_was_foreseen_equals_a_new_search() -> None:
    rng = random.Random(3)
    history = MemoryHistory()
    for _ in range(20):
        history.add([rng.randrange(4) for _ in range(60)])
    context = [rng.randrange(4) for _ in range(8)]
    cursor = HistoryCursor(history)
    followed = 0
    for _ in range(200):
        found = cursor.pointers(context)
        for pointer in found:
            length = pointer.length
            assert list(pointer.tokens[pointer.at - 1 : pointer.at]) in ([], context[-1:])
            assert length <= len(context)
        accepted = found[0].run(0, rng.randrange(1, 4)) if found and rng.random() < 0.7 else [rng.randrange(4)]
        before = {(p.length, p.at, id(p.tokens)) for p in found}
        cursor.advance(accepted)
        context += accepted
        for pointer in cursor._pointers:
            followed += 1
            assert (pointer.length - len(accepted), pointer.at - len(accepted), id(pointer.tokens)) in before
            assert list(pointer.tokens[: pointer.at])[-len(accepted) :] == accepted
    assert followed > 50


def test_a_cursor_that_was_wrong_searches_anew() -> None:
    history = MemoryHistory()
    history.add(TEXT)
    cursor = HistoryCursor(history)
    context = [1, *TEXT[:40]]
    cursor.pointers(context)
    cursor.advance([5])
    assert cursor.pointers([*context, 5]) == []
    cursor.advance(TEXT[100:110])
    assert foreseen(cursor.pointers([*context, 5, *TEXT[100:110]]), 3) == [TEXT[110:113]]


def test_a_prediction_is_followed_realigned_and_left_at_its_end() -> None:
    cursor = PredictionCursor(TEXT[:10])
    assert foreseen(cursor.pointers(), 3) == [TEXT[:3]]
    cursor.advance(TEXT[:4])
    assert foreseen(cursor.pointers(), 2) == [TEXT[4:6]]
    cursor.advance([7])
    assert cursor.pointers() == [], "off the prediction"
    cursor.advance(TEXT[5:7])
    assert foreseen(cursor.pointers(), 3) == [TEXT[7:10]]
    cursor.advance(TEXT[7:10])
    assert cursor.pointers() == [], "nothing is left of it"


def test_a_place_forward_of_the_old_one_is_nearer_than_one_behind() -> None:
    cursor = PredictionCursor([1, 2, 50, 9, 9, 1, 2, 60, 9, 9, 9, 1, 2, 70])
    cursor.advance([1, 2, 50, 9])
    cursor.advance([33, 1, 2])
    assert foreseen(cursor.pointers(), 1) == [[60]]


def test_a_prediction_outdoes_the_form_that_requests_share_and_nothing_of_the_context() -> None:
    cursor = PredictionCursor(TEXT)
    form, same = Pointer(FORM - 1, HISTORY, TEXT, 200, -1), Pointer(FORM, AGAIN, TEXT, 200, -1)
    here = Pointer(3, CONTEXT, TEXT, 30, -1)
    kept = cursor.put_first([form, same, here], answered=0)
    assert kept[:2] == [same, here]
    assert [p.source for p in kept[2:]] == [PREDICTION]
    cursor.advance([7])
    assert cursor.put_first([form, here], answered=1) == [form, here], "off the prediction it has no say"
