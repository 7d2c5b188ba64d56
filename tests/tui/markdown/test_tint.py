"""Colours of sources fall on the letters they belong to, whatever marks stand between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from spectra_local.protocol import OWN
from tui.widgets.markdown.document import Document

STYLE = "$tint-history"


def tinted(text: str, guessed: str, *, cuts: int = 0) -> list[Content]:
    """The lines of ``text`` where ``guessed`` came from the history."""
    start = text.index(guessed)
    codes = OWN * start + "h" * len(guessed) + OWN * (len(text) - start - len(guessed))
    document = Document(tinted=True)
    step = cuts or len(text)
    for at in range(0, len(text), step):
        document.append(text[at : at + step], codes[at : at + step])
    document.finish()
    document.lay_out(60)
    return [document[i].content for i in range(len(document))]


def coloured(lines: list[Content]) -> str:
    return "|".join(
        line.plain[span.start : span.end] for line in lines for span in line.spans if str(span.style) == STYLE
    )


@pytest.mark.parametrize("cuts", [0, 1, 5])
@pytest.mark.parametrize(
    ("text", "guessed", "expected"),
    [
        ("plain words here", "words", "words"),
        ("some **bold** and more", "bold** and", "bold and"),
        ("a [link](https://example.org/a) after it", "after", "after"),
        ("`code` and \\* star &amp; more", "star", "star"),
        ("- first\n- second\n  - third", "second", "second"),
        ("> quoted **words** here", "words** here", "words here"),
        ("# Title of it\n\ntext", "of it", "of it"),
        ("| a | b |\n|---|---|\n| one | two |\n", "two", "two"),
        ("```python\ndef f():\n    return 1\n```\n", "return", "return"),
        ("1. x\n   ```\n   z = 1\n   ```\n", "z = 1", "z = 1"),
        ("first\n\nsecond\n\nfirst", "second", "second"),
    ],
)
def test_the_guessed_words_are_coloured_and_no_others(text: str, guessed: str, expected: str, cuts: int):
    assert coloured(tinted(text, guessed, cuts=cuts)) == expected


@given(st.text(st.sampled_from("ab *_`[]()#>|-1.\n\\&;<好"), max_size=80), st.integers(1, 9))
def test_no_text_is_too_odd_to_be_tinted_and_none_is_changed(text: str, step: int):
    plain, colour = Document(), Document(tinted=True)
    for at in range(0, len(text), step):
        piece = text[at : at + step]
        plain.append(piece)
        colour.append(piece, ("hk c"[at % 4]) * len(piece))
    for document in (plain, colour):
        document.finish()
        document.lay_out(20)
    assert [plain[i].content.plain for i in range(len(plain))] == [colour[i].content.plain for i in range(len(colour))]
