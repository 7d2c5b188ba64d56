"""Lines are cut in one place where they are counted for others: str.splitlines cuts where no editor does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.text_file import line_end_of, lines_of, with_plain_ends

ROOT = Path(__file__).parents[1]
# What a person, an editor or another program counts too. Elsewhere: reports of the kernel, words of other programs.
COUNTED_BY_OTHERS = ("spectra_local/completion", "spectra_local/corpus", "spectra_local/serving", "tui")
FILES = ("spectra_local/text_file.py", "spectra_local/unified_diff.py", "spectra_local/cli/edit.py")


@pytest.mark.parametrize("room", [*COUNTED_BY_OTHERS, *FILES])
def test_no_line_is_cut_by_splitlines_where_others_count(room: str) -> None:
    place = ROOT / room
    for file in place.rglob("*.py") if place.is_dir() else [place]:
        assert ".splitlines(" not in file.read_text("utf-8"), file


@given(st.text(st.sampled_from("a\r\n\f\x0b\x1c\x85\u2028\u2029")))
def test_lines_are_the_text_and_end_at_three_things(text: str) -> None:
    lines = lines_of(text)
    assert "".join(lines) == text
    assert [line.rstrip("\r\n") for line in lines] == with_plain_ends(text).removesuffix("\n").split("\n")[: len(lines)]
    assert line_end_of(text) in ("\n", "\r\n", "\r")
