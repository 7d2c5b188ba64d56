import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from spectra_local.printable import printable, printable_line


def test_ordinary_text_comes_back_unchanged() -> None:
    text = "naïve\t日本語 \U0001f431\n```python\nprint()\n```"
    assert printable(text) == text


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert printable("\x1b]52;c;cm0=\x07") == "\u241b]52;c;cm0=\u2407"


@given(st.text(st.characters(codec=None, min_codepoint=0, max_codepoint=0x10FFFF)))
def test_no_control_character_is_left(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    for c in shown:
        assert c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(c) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    assert "\n" not in printable_line(text)
