import pytest

from spectra_local.completion.stop_rules import Surroundings, kept_length


def kept(prefix: str, suffix: str, text: str) -> str:
    cut = kept_length(text, Surroundings.of(prefix, suffix))
    return text if cut is None else text[:cut]


@pytest.mark.parametrize(
    ("prefix", "suffix", "text", "expected"),
    [
        ("def f():\n    ", "", "return 1\n\ndef g():", "return 1\n"),  # a new block at the margin
        ("def f():\n    if a:\n        ", "\n\nx = 1\n", "b\n    return 1", "b\n    return 1"),  # the outer one is open
        ("def f():\n    if a:\n        ", "\n        c()\n", "b()\n    return 1\n", "b()"),  # and here it is not
        ("def f():", "", "\n    return 1", "\n    return 1"),
        ("if (a) {\n  ", "\n}\n", "b();\n}\nelse {", "b();\n"),  # the suffix closes it
        ("f(a, ", ")\n", "b)", "b"),
        ("f(a, ", ")\n", "g(b))", "g(b)"),
        ("f(a, ", ")\n", 'g(")")', 'g(")")'),
        ("f(a, ", "\n", "b)", "b)"),  # nobody else closes it
        ("f(n if a", " else 0)\n", ".b() else 0)\ng()", ".b()"),  # the rest of the line again
        ("f(", " else 0)\n", "1 else\n", "1 else\n"),
        ("x = 1\n", "\nreturn x\n", "y = 2\nreturn x\n", "y = 2"),  # the line below again
    ],
)
def test_a_suggestion_ends_where_the_text_around_the_gap_says(
    prefix: str, suffix: str, text: str, expected: str
) -> None:
    assert kept(prefix, suffix, text) == expected
