import pytest

from tui.widgets.markdown.holdback import ready_length


@pytest.mark.parametrize("tail", ["-", "- ", "  *", "#", "##", "1", "12.", "```", "~~", ">", "===", "|", "--"])
def test_a_line_that_may_become_several_things_waits(tail: str):
    assert ready_length(f"text\n{tail}") == len("text\n")


@pytest.mark.parametrize("text", ["- a", "# T", "1. x", "12 apples", "```py", "> q", "word", "a\n", "", "-\n"])
def test_a_line_that_is_decided_is_shown(text: str):
    assert ready_length(text) == len(text)
