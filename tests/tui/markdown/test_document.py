"""However a text is cut into pieces, in the end the same lines stand there."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.widgets.markdown.document import Document

TEXT = """# Title

Some **bold** and `code` and a [link](https://example.org), long enough to be wrapped at forty columns.
A second line of it.

- first
- second, which is long enough to be wrapped at forty columns
  - nested

    with a paragraph
- third

1. one
2. two

   ```python
   x = 1
   ```
3. three

```python
def f(x):
\treturn x  # a comment that is longer than the line is wide, so that it is folded
```

> quoted
> - a list in it

| name | size |
|:-----|-----:|
| a | 1 |
| a cell that is too long for its column | 22222 |

---

Heading
=======

<b>tags</b> and 你好 🎉
"""
FRAGMENTS = ["- ", "* ", "1. ", "2) ", "\n", "\n\n", "  ", "    ", "```", "py\n", "> ", "# ", "**", "`", "|", "a | b",
             "|---|---|\n", "word ", "---", "===", "[x](y)", "<b>", "好"]  # fmt: skip
PIECES = st.lists(st.sampled_from(FRAGMENTS), max_size=60)


def shown(document: Document, width: int) -> list[str]:
    document.lay_out(width)
    return [(document[i].prefix + document[i].content).plain.rstrip() for i in range(len(document))]


def whole(text: str, width: int) -> list[str]:
    document = Document()
    document.append(text)
    document.finish()
    return shown(document, width)


def streamed(text: str, cuts: list[int], width: int) -> list[str]:
    document = Document()
    for start, end in pairwise([0, *cuts, len(text)]):
        document.append(text[start:end])
        shown(document, width)
    document.finish()
    return shown(document, width)


@pytest.mark.parametrize("size", [1, 3, 17, 100])
@pytest.mark.parametrize("width", [24, 40, 100])
def test_pieces_of_any_size_end_in_the_same_lines(size: int, width: int):
    assert streamed(TEXT, list(range(size, len(TEXT), size)), width) == whole(TEXT, width)


@settings(max_examples=200, deadline=None)
@given(pieces=PIECES, size=st.integers(1, 20))
def test_any_text_can_be_appended_and_no_line_is_wider_than_the_screen(pieces: list[str], size: int):
    text = "".join(pieces)
    document = Document()
    for start in range(0, len(text), size):
        document.append(text[start : start + size])
    document.finish()
    document.lay_out(60)
    assert len(document.rows()) <= len(document)


def test_settled_lines_do_not_change_while_more_comes():
    document = Document()
    seen: list[str] = []
    for start in range(0, len(TEXT), 5):
        document.append(TEXT[start : start + 5])
        lines = shown(document, 40)
        assert lines[: len(seen)] == seen
        seen = lines[: document.n_settled]
    assert len(seen) > 20


def test_the_lines_of_a_whole_page():
    assert whole(TEXT, 40) == [
        "Title",
        "",
        "Some bold and code and a link, long",
        "enough to be wrapped at forty columns.",
        "A second line of it.",
        "",
        "• first",
        "• second, which is long enough to be",
        "  wrapped at forty columns",
        "  ◦ nested",
        "",
        "    with a paragraph",
        "• third",
        "",
        "1. one",
        "2. two",
        "",
        "     x = 1",
        "3. three",
        "",
        "  def f(x):",
        "      return x  # a comment that is lo",
        "  nger than the line is wide, so that",
        "  it is folded",
        "",
        "▎ quoted",
        "▎",
        "▎ • a list in it",
        "",
        "name                                size",
        "────────────────────────────────   ─────",
        "a                                      1",
        "a cell that is too long for its    22222",
        "column",
        "",
        "────────────────────────────────────────",
        "",
        "Heading",
        "",
        "<b>tags</b> and 你好 🎉",
    ]


def test_numbers_count_on_where_a_list_was_settled():
    text = "".join("1. item\n" for _ in range(12))
    assert streamed(text, list(range(1, len(text))), 40) == [f"{n}. item" for n in range(1, 13)]


def test_rows_are_the_text_before_wrapping():
    document = Document()
    document.append("one two three four five six\n\n- a b c d e f g h i j k\n")
    document.finish()
    document.lay_out(12)
    assert document.rows() == ["one two three four five six", "", "a b c d e f g h i j k"]


def test_work_does_not_grow_with_the_text(monkeypatch: pytest.MonkeyPatch):
    """Each piece parses the last block only."""
    from tui.widgets.markdown import document as module

    parsed: list[int] = []
    plain = module.parse
    monkeypatch.setattr(
        module, "parse", lambda source, *rest, **named: parsed.append(len(source)) or plain(source, *rest, **named)
    )
    document = Document()
    for _ in range(100):
        document.append("- an item of the list\n")
    for _ in range(100):
        document.append("A paragraph of some words.\n\n")
    assert max(parsed) < 100


def test_blocks_of_code_are_numbered_through_the_text_also_while_it_grows():
    text = "a\n\n```python\nx\ny\n```\n\n1. b\n\n   ```sh\n   ls\n   ```\n\n2. c\n\n> ```\n> z\n> ```\n"
    document = Document()
    for width in (20, 40):
        for piece in text if width == 20 else "":
            document.append(piece)
            document.lay_out(width)
        document.finish()
        document.lay_out(width)
        lines = [document[index] for index in range(len(document))]
        assert [(line.number, line.label) for line in lines if line.begins_code] == [(1, "python"), (2, "sh"), (3, "")]
