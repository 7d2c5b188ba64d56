import pytest
from markdown_it import MarkdownIt

from tui.widgets.markdown.blocks import Code, is_complete
from tui.widgets.markdown.code import code_lines


@pytest.mark.parametrize(
    ("source", "complete"),
    [
        ("```py\na\nb\n```", True),
        ("```\n```", True),
        ("- x\n  ```py\n  a\n  ```", True),
        ("```py\na\nb", False),
        ("```py\na\nb\n", False),
        ("```py", False),
        ("```py\na\n``", False),
        ("- x\n  ```py\n  a", False),
        ("    indented", False),
    ],
)
def test_a_fence_is_complete_when_its_end_has_come(source: str, complete: bool):
    token = next(token for token in MarkdownIt().parse(source) if token.type in ("fence", "code_block"))
    assert is_complete(token) is complete


def coloured(code: Code) -> bool:
    return any(line.content.spans for line in code_lines(code, 80))


def test_code_is_coloured_when_complete_and_named_and_not_huge():
    assert coloured(Code("def f(): pass", "python", complete=True))
    assert not coloured(Code("def f(): pass", "python", complete=False))
    assert not coloured(Code("def f(): pass", "", complete=True))
    assert not coloured(Code("x = 1\n" * 20_000, "python", complete=True))


def test_an_unknown_language_is_plain_code():
    assert [line.content.plain for line in code_lines(Code("a b", "no-such-language", True), 80)] == ["a b"]


def test_all_characters_of_a_long_row_are_kept():
    row = "x" * 95
    assert "".join(line.content.plain for line in code_lines(Code(row, "", True), 44)) == row


def test_a_diff_is_coloured_by_what_came_and_went():
    lines = code_lines(Code("+ new\n- old\n  same", "diff", complete=True), 40)
    styles = [{str(span.style) for span in line.content.spans} for line in lines]
    assert "$text-success" in styles[0]
    assert "$text-error" in styles[1]
    assert not styles[2] & {"$text-success", "$text-error"}


def test_the_label_has_a_line_of_its_own_where_the_first_is_wide():
    wide = code_lines(Code("x" * 38, "python", complete=False), 40)
    assert (wide[0].label, wide[0].content.plain, wide[0].begins_code) == ("python", "", True)
    assert not any(line.label or line.begins_code for line in wide[1:])
    narrow = code_lines(Code("x" * 10, "python", complete=False), 40)
    assert (narrow[0].label, narrow[0].content.plain) == ("python", "x" * 10)
