import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.answer_text import AnswerText


def shown(pieces: list[bytes], *stop: str) -> str:
    text = AnswerText(stop)
    return "".join(text.feed(piece) for piece in pieces) + text.finish()


def test_a_character_split_over_tokens_appears_whole() -> None:
    text = AnswerText()
    assert [text.feed(b"\xf0\x9f"), text.feed(b"\x90\xb1!")] == ["", "\U0001f431!"]


@pytest.mark.parametrize("cut", [b"\xc3", b"\xe2\x82", b"\xf0\x9f\x90"])
def test_an_unfinished_character_at_the_end_is_dropped(cut: bytes) -> None:
    assert shown([b"a", cut]) == shown([b"a", cut], "STOP") == "a"


def test_text_before_a_stop_is_kept_and_nothing_after() -> None:
    assert shown([b"one ST", b"OP two", b"three"], "STOP") == "one "


def test_a_stop_that_never_completes_is_shown_in_the_end() -> None:
    assert shown([b"one ST", b"O"], "STOP") == "one STO"


def test_text_is_not_held_back_longer_than_it_may_be_a_stop() -> None:
    text = AnswerText(("STOP",))
    assert text.feed(b"a S") == "a "
    assert text.feed(b"un") == "Sun"


def test_the_earliest_of_several_stops_ends_the_text() -> None:
    assert shown([b"abcdef"], "ef", "cd") == "ab"


def test_sentencepiece_marks_the_start_with_one_space() -> None:
    text = AnswerText(strip_first_space=True)
    assert text.feed(b"  two") + text.feed(b" words") == " two words"


@given(st.text(max_size=40), st.lists(st.integers(1, 5)), st.text(min_size=1, max_size=3))
def test_cutting_a_text_into_pieces_changes_nothing(whole: str, sizes: list[int], stop: str) -> None:
    data, pieces = whole.encode("utf-8", "replace"), []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    pieces.append(data)
    expected = whole.encode("utf-8", "replace").decode()
    assert shown(pieces) == expected
    assert shown(pieces, stop) == expected.split(stop)[0]
