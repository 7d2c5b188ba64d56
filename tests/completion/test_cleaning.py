"""Parts of a suggestion."""

import pytest

from spectra_local.completion.cleaning import first_line, repeated_start
from spectra_local.completion.stop_rules import Surroundings


def test_the_first_line_is_the_first_that_says_something() -> None:
    assert first_line("a = 1\nb = 2") == "a = 1"
    assert first_line("\n    b = 2\nc") == "\n    b = 2"
    assert first_line("  \n  b\nc") == "  \n  b"
    assert first_line("last") == "last"


@pytest.mark.parametrize(
    ("before", "text", "kept"),
    [
        ("    return ", "return a - b", "a - b"),
        ("    return ", "    return  a", "a"),
        ("    return", "return a", " a"),
        ("x = max(", "x = max(1, 2)", "1, 2)"),
        ("if n == ", "if n == 1:", "1:"),
        ("    return ", "returned", "returned"),
        ("    return ", "a - b", "a - b"),
        ("    None, ", "None, None", "None, None"),
        ("max(", "max(a, b), c)", "max(a, b), c)"),
        ("    1, 2, ", "1, 2, 3", "1, 2, 3"),
        ("", "return", "return"),
        ("    return ", "\n    return a", "\n    return a"),
    ],
)
def test_what_stands_before_the_cursor_in_its_line_is_not_said_again(before: str, text: str, kept: str) -> None:
    n_repeated = repeated_start(text, Surroundings.of(before, "\n"))
    assert n_repeated is not None
    assert text[n_repeated:] == kept
