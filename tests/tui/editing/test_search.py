from hypothesis import given
from hypothesis import strategies as st

from tui.editing.search import location, place_from, places


def test_words_are_found_in_any_case_unless_a_capital_was_typed():
    assert places("One one ONE", "one") == [0, 4, 8]
    assert places("One one ONE", "One") == [0]
    assert places("a.b a+b", "a+b") == [4]
    assert places("text", "") == []


def test_beyond_the_last_place_comes_the_first():
    found = [3, 10, 20]
    assert [place_from(found, at) for at in (0, 3, 4, 20, 21)] == [0, 0, 1, 2, 0]
    assert [place_from(found, at, 1) for at in (3, 10, 20)] == [1, 2, 0]
    assert [place_from(found, at, -1) for at in (3, 10, 25)] == [2, 0, 2]


@given(st.text("ab\n", max_size=30), st.data())
def test_a_location_is_where_its_row_and_column_say(text: str, data: st.DataObject):
    offset = data.draw(st.integers(0, len(text)))
    row, column = location(text, offset)
    assert sum(len(line) + 1 for line in text.split("\n")[:row]) + column == offset
