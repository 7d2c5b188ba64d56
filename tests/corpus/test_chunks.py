from hypothesis import given
from hypothesis import strategies as st

from spectra_local.corpus.chunks import LEAST, MOST, TINY, cut, digest
from spectra_local.corpus.repetition import Read, is_degenerate

WORD, LINE, BLANK = 1, 2, 3
PIECES = {WORD: b" word", LINE: b"\n", BLANK: b".\n\n"}


def ends(tokens: list[int]) -> list[int]:
    return [end for _, end in cut(tokens, PIECES.__getitem__)]


@given(st.lists(st.sampled_from([WORD, WORD, WORD, WORD, LINE, BLANK]), max_size=2000))
def test_chunks_have_no_gaps_and_no_absurd_size(tokens: list[int]) -> None:
    found = list(cut(tokens, PIECES.__getitem__))
    assert [start for start, _ in found] == [0, *(end for _, end in found[:-1])][: len(found)]
    assert all(TINY <= end - start <= MOST for start, end in found)
    assert len(tokens) - (found[-1][1] if found else 0) < TINY


def test_a_chunk_ends_at_a_blank_line_and_not_within_a_paragraph() -> None:
    paragraph = [WORD] * 79 + [BLANK]
    assert ends(paragraph * 3) == [80, 160, 240]
    assert ends(([WORD] * 40 + [BLANK]) * 4) == [82, 164]  # short ones stay together


def test_a_long_paragraph_ends_at_a_line_and_one_without_lines_anywhere() -> None:
    assert ends(([WORD] * 99 + [LINE]) * 3)[0] == 200
    assert ends([WORD] * 300) == [MOST, 300]
    assert LEAST < 200


def test_a_digest_tells_chunks_apart() -> None:
    assert digest([1, 2]) == digest((1, 2)) != digest([12])


def test_copies_and_near_copies_are_recognised_and_new_text_is_not() -> None:
    read = Read()
    text = list(range(1000, 1200))
    changed = [*text[:100], 7, *text[101:]]
    assert not read.is_copy(text)
    assert read.is_copy(text)
    assert read.is_copy(changed)
    assert read.is_copy(text[50:150])
    assert not read.is_copy([*text[:60], *range(5000, 5140)])
    assert not read.is_copy(list(range(9000, 9200)))


def test_text_that_goes_round_in_circles_is_degenerate() -> None:
    assert is_degenerate([1, 2, 3] * 50)
    assert is_degenerate([0, 11] * 100 + list(range(20)))
    assert not is_degenerate(list(range(200)))
    assert not is_degenerate([1, 2, 3, 4])
