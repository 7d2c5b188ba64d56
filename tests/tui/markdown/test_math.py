"""Formulas: shown in Unicode where that is what they say, else as they were written; never half of one."""

import pytest

from tui.widgets.markdown.code_blocks import code_blocks
from tui.widgets.markdown.document import Document
from tui.widgets.markdown.unicode_math import to_unicode


def lines(document: Document, width: int = 60) -> list[str]:
    document.lay_out(width)
    return [document[i].prefix.plain + document[i].content.plain for i in range(len(document))]


def shown(source: str) -> str:
    document = Document()
    document.append(source)
    document.finish()
    return "\n".join(lines(document))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"E = mc^2", "E = mc²"),
        (r"x_{i+1}^2 \leq \alpha", "xᵢ₊₁² ≤ α"),
        (r"\frac{1}{2}", "1⁄2"),
        (r"\frac{1}{2}x", "(1⁄2)x"),  # not 1/(2x)
        (r"c / \frac{a}{b}", "c / (a⁄b)"),
        (r"\frac{-b \pm \sqrt{b^2-4ac}}{2a}", "(-b ± √(b²-4ac))/(2a)"),
        (r"\sqrt{2}x + \sqrt{y}", "√(2)x + √y"),
        (r"\sum_{i=1}^{n} i", "∑ᵢ₌₁ⁿ i"),
        (r"\sum_{k=0}^\infty a_k", "∑_(k=0)^∞ aₖ"),
        (r"\lim_{x \to 0} f(x)", "lim_(x → 0) f(x)"),
        (r"x \in \mathbb{R}^n", "x ∈ ℝⁿ"),
        (r"2\sin\theta", "2 sin θ"),
        (r"90^\circ", "90°"),
        (r"\text{speed} = \left( a \right)^2", "speed = ( a )²"),
    ],
)
def test_what_is_understood_is_shown_in_unicode(source, text):
    assert to_unicode(source) == text
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]"), ("$$", "$$")):
        assert shown(opening + source + closing) == text


@pytest.mark.parametrize(
    "source",
    [
        "x^q", "x^{y^2}", "{a+b}^2", r"\frac{a}{b}^2", r"\sqrt{x}^2", r"2\frac{1}{2}", r"\sqrt[n]{x}", r"\unknown{x}",
        r"\begin{matrix} a & b \end{matrix}", "x^10", "a^", "{a", r"\left( a", "x^2^3", r"e^{-x^2}", r"\hat{xy}",
        "x % y", "", "{" * 500 + "}" * 500,
    ],
)  # fmt: skip
def test_what_is_not_wholly_understood_stays_as_it_is_with_its_delimiters(source):
    assert to_unicode(source) is None
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]")):
        formula = f"{opening}{source}{closing}"
        document = Document()
        document.append(formula)
        document.finish()
        document.lay_out(5_000)
        assert document[0].content.plain == formula


@pytest.mark.parametrize("text", [r"a \(b", r"a \[b", r"b\) c", r"b\] c", r"\(a*b*c^q\) \[_b_ ^q\]"])
def test_no_backslash_is_lost_and_no_emphasis_is_read_into_a_formula(text):
    assert shown(text) == text


@pytest.mark.parametrize(
    "text",
    ["$5 and $10", "US$5/US$6, $5-$10", "$HOME and $PATH", "I paid $50 then 20$.", "$a and b$", "$ x $", "$x$5"],
)
def test_money_and_shells_are_no_mathematics(text):
    assert shown(text) == text


def test_code_is_left_alone():
    assert shown(r"`\(x^2\)` and `$x^2$`") == r"\(x^2\) and $x^2$"
    assert shown("```\n\\(x^2\\) $x^2$\n```").strip() == r"\(x^2\) $x^2$"
    assert code_blocks("```\n\\[x^2\\]\n```")[0].text == r"\[x^2\]"


def test_a_formula_in_rows_of_its_own_is_one_whatever_its_rows_begin_with():
    assert shown("so\n\\[\nx = a\n+ b\n\\]\nend") == "so\n\nx = a + b\n\nend"
    assert shown("- so \\[\n  x^2\n  \\]\n- on") == "• so x²\n• on"
    assert shown("> $$\n> x^2\n> $$") == "▎ x²"
    assert shown("| a |\n|---|\n| $x^2$ |").endswith("x²")


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        (r"so \(x^2\) on", ["", "s", "so", "so ", "so x²", "so x² o", "so x² on"]),
        (r"$x_1$, a", ["", "x₁,", "x₁, a"]),
        ("\\[\nx\n+ y^2\n\\]\n", ["", "x + y²"]),
        ("- [x] a", ["", "☑ a"]),
        ("$5 and", ["", "$5 and"]),
    ],
)
def test_a_growing_text_shows_no_formula_before_its_end_and_takes_nothing_back(source, steps):
    document, seen = Document(), [""]
    for character in source:
        document.append(character)
        if (text := "\n".join(lines(document))) != seen[-1]:
            seen.append(text)
    assert seen == steps


@pytest.mark.parametrize("source", [r"a \(b^2", "a $b", "\\[\nx\n+ y", "end \\", "- [ ]", "a \\(b\n\nc", "$$"])
def test_what_was_kept_back_is_shown_at_the_end(source):
    document = Document()
    for character in source:
        document.append(character)
    document.finish()
    whole = "\n".join(lines(document))
    for character in source.replace("- ", "").split():
        assert character in whole


def test_a_formula_that_does_not_end_is_not_waited_for_longer_than_it_may_be():
    document = Document()
    document.append(r"a \(" + "b " * 300)
    assert r"\(b b" in "\n".join(lines(document))
    document = Document()
    document.append("one \\(b\n\ntwo")
    assert "\n".join(lines(document)) == "one \\(b\n\ntwo"


def test_tasks_have_boxes():
    assert shown("- [ ] a\n- [x] **b**\n- c") == "☐ a\n☑ b\n• c"
    assert shown("1. [X] a") == "1. ☑ a"
    assert shown("- [x](http://a.b)").startswith("• x")
