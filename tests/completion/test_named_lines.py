"""A rewriting stays within the lines that were named: what surrounds them comes neither twice nor in other blocks."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spectra_local.completion.named_lines import kept_to_named
from spectra_local.completion.replacement import ReplacementError

SHAPES = '''"""Shapes."""

import math


def circle(radius):
    return math.pi * radius ** 2


def square(side):
    return side * side


def describe(side):
    area = square(side)
    for scale in range(3):
        if scale:
            area = area * scale
            print("scaled", area)
    return f"a square of {area}"
'''
STORE = """class Store:
    def load(self):
        with open(self.path) as file:
            for line in file:
                line = line.strip()
                self.rows.append(line)
        return self.rows

    def total(self, column):
        result = 0
        for row in self.rows:
            result += float(row[column])
        return result
"""
SUM = """function total(items) {
  let sum = 0;
  for (const item of items) {
    if (item.price) {
      sum += item.price * item.count;
    }
  }
  return sum;
}
"""


def put(text: str, first: int, last: int, answer: str) -> str:
    """What ``answer`` becomes for the lines from ``first`` to ``last``."""
    lines = text.splitlines(keepends=True)
    parts = ("".join(part) for part in (lines[: first - 1], lines[first - 1 : last], lines[last:]))
    return kept_to_named(*parts, answer.strip("\n"))


SQUARE = "def square(width):\n    return width * width\n"
DESCRIBE = "def describe(side):\n    size = square(side)\n    for scale in range(3):\n"
COUNT = """def count(xs):
    result = {}
    for l in xs:
        result.setdefault(tuple(l), list()).append(1)
    return result
"""
COUNTED = "def count(all):\n    result = {}\n    for l in xs:\n"
POSITIVE = '''def positive(l):
    """Only positive numbers.
    >>> positive([1, 2, -3])
    [1, 2]
    >>> positive([5, 9, 8, 7, 6, 5, 4])
    [5, 9, 8, 7, 6, 5, 4]
    """
    return [e for e in l if e > 0]
'''
POSITIVE_DOC = '    """Just positive numbers.\n    >>> positive([1, 2, -3])\n    [1, 2]\n'
POURED = DESCRIBE + '        if scale:\n            size = size * scale\n            print("scaled", size)\n'


@pytest.mark.parametrize(
    ("text", "first", "last", "answer", "kept"),
    [
        (SHAPES, 10, 11, SQUARE, SQUARE),
        (SHAPES, 10, 11, SHAPES.replace("def square(side):\n    return side * side\n", SQUARE), SQUARE),
        (SHAPES, 10, 11, SHAPES.replace("side", "width"), SQUARE),
        (SHAPES, 10, 11, SQUARE + "\n\ndef describe(side):\n    area = square(side)\n", SQUARE),
        (
            SHAPES,
            10,
            11,
            "import math\n\n\ndef circle(radius):\n    return math.pi * radius ** 2\n\n\n" + SQUARE,
            SQUARE,
        ),
        (SHAPES, 14, 16, POURED, DESCRIBE),
        (SHAPES, 14, 16, POURED + '    return f"a square of {size}"\n', DESCRIBE),
        (
            STORE,
            2,
            4,
            "def load(self):\n    with open(self.path, 'rb') as file:\n        for line in file:\n"
            "            line = line.strip()\n            self.rows.append(line)\n    return self.rows\n",
            "    def load(self):\n        with open(self.path, 'rb') as file:\n            for line in file:\n",
        ),
        (
            STORE,
            3,
            4,
            "with open(self.path, 'rb') as file:\n    for line in file:\n        line = line.strip().lower()\n"
            "        self.rows.append(line)\n",
            "        with open(self.path, 'rb') as file:\n            for line in file:\n",
        ),
        (STORE, 3, 3, STORE.replace("path)", "path, 'rb')"), "        with open(self.path, 'rb') as file:\n"),
        (
            SUM,
            1,
            3,
            SUM.replace("total(items)", "total(items, rate)"),
            "function total(items, rate) {\n  let sum = 0;\n  for (const item of items) {\n",
        ),
        ("a:\n\tx\n\ty\n", 2, 2, "a:\n\tz\n\ty", "\tz\n"),
        (COUNT, 1, 3, COUNT.replace("list()).append(1)", "0).append(1)").replace("(xs)", "(all)"), COUNTED),
        (POSITIVE, 2, 4, POSITIVE.replace(", 9", "").replace("Only", "Just"), POSITIVE_DOC),
    ],
)
def test_lines_around_the_named_ones_are_cut_off(text: str, first: int, last: int, answer: str, kept: str) -> None:
    assert put(text, first, last, answer) == kept


@pytest.mark.parametrize(
    ("text", "first", "last", "answer"),
    [
        (SHAPES, 9, 10, "def describe(width):\n    size = square(width)\n    return size\n"),
        (SHAPES, 14, 18, "def describe(side):\n    area = square(side)\n    while area:\n        area -= 1\n"),
        (SHAPES, 16, 17, "while scale in range(3):\n"),
        (SHAPES, 11, 11, "return side * side\n\ndef circle(radius):\n    return 3 * radius\n"),
        (STORE, 4, 5, "self.rows = [line.strip() for line in file]\n"),
        (SUM, 2, 4, "let sum = 0;\nfor (const item of items) {\n"),
        (SUM, 2, 4, "let sum = 0;\nfor (const item of items) {\n  if (item.price) {\n  }\n"),
        (POSITIVE, 2, 3, POSITIVE[20:60].replace("Only", "All") + '"""\n'),
        ("a\n```\nb\nc\n```\nd\n", 3, 3, "e\n```\n"),
        ("/* a\n * b\n * c\n */\nd\n", 2, 2, " * e\n */\n"),
        (SUM, 1, 1, "function total(items) {\n  return items.reduce((sum, x) => sum + x.price * x.count, 0);\n}\n"),
    ],
)
def test_what_would_tear_or_double_the_text_is_refused(text: str, first: int, last: int, answer: str) -> None:
    with pytest.raises(ReplacementError, match="the text stays as it is"):
        put(text, first, last, answer)


@pytest.mark.parametrize(
    ("text", "first", "last", "kept"),
    [
        ("f {\n  a {\n    b\n  }\n}\n", 3, 3, "    b\n    c {\n    }\n"),
        ("f {\n  a\n}\n", 2, 2, "  if (a) {\n    b\n  }\n"),
        ("def f(a):\n    b(a)\n    return a\n", 2, 2, "    if a:\n        return a\n    b(a)\n"),
        ("def f(a):\n    b(a)\n    return a\n", 2, 2, "    b(a)\n    if a > 1:\n        return a\n"),
        (
            "def f(a):\n    b(a)\n    return a\n",
            2,
            2,
            "    try:\n        b(a)\n    except E:\n        return a\n",
        ),
        ("def f(a):\n    b(a)\n    return a\n", 2, 2, "    with a:\n        b(a)\n"),
        ("a = 1\n\nb = 2\n", 1, 1, "a = 1\n\nc = 3\n"),
        ("x = {\n    'a': 1,\n    'c': 3,\n    'd': 4,\n}\n", 2, 2, "    'a': 1,\n    'b': 2,\n"),
        ("def a():\n    pass\n\n\ndef b():\n    pass\n", 1, 2, "def a():\n    pass\n\n\ndef c():\n    pass\n"),
        ("class A:\n    def f(self): pass\n\nclass B:\n    x = 1\n", 5, 5, "    x = 1\n\n    def f(self): pass\n"),
        (
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    y = 2\n",
            2,
            4,
            "    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, to):\n        pass\n",
        ),
        ("1) one\n2) two\n4) four\n", 2, 2, "2) two\n3) three :)\n"),
        ("f(\n", 1, 1, "f()\n"),
        ("a { b: c }\nd {}\n", 1, 1, "a { b: c } /* e */\n/* f */ g {}\n"),
        ("One line of prose.\n  Another, indented.\n", 1, 1, "A line of prose:\n"),
        ("if a:\n    b\nelse:\n    c\n", 1, 2, "if a:\n    b\nelif d:\n    e\n"),
    ],
)
def test_an_ordinary_rewriting_stays_as_it_is(text: str, first: int, last: int, kept: str) -> None:
    assert put(text, first, last, kept) == kept


@pytest.mark.parametrize("head", ["for x in xs:\n", "for (const x of xs) {\n"])
def test_a_part_whose_rest_is_not_known_stays_a_part(head: str) -> None:
    assert kept_to_named("", head, "", head.replace("x ", "y ")) == head.replace("x ", "y ")
    with pytest.raises(ReplacementError, match="leave open"):
        kept_to_named("", head, "", f"{head}    total += x\n")


@pytest.mark.parametrize("shown_as", ["at the margin", "in place"])
def test_lines_come_to_stand_where_their_place_is_however_they_were_indented(shown_as: str) -> None:
    answer = "with open(self.path, 'rb') as file:\n    for line in file:\n"
    in_place = "".join(f"        {line}\n" for line in answer.splitlines())
    assert put(STORE, 3, 4, answer if shown_as == "at the margin" else in_place) == in_place


NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta", "omega", "kappa", "sigma", "theta"])
STATEMENTS = st.builds("{} = {}({})\n".format, NAMES, NAMES, NAMES)


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[str], int, int]:
    """Functions of distinct names and statements; which lines of them are named."""
    lines: list[str] = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        body = draw(st.lists(STATEMENTS, min_size=1, max_size=5, unique=True))
        lines += [f"def {name}(x):\n", *(f"    {statement}" for statement in body), "    return x\n", "\n"]
    first = draw(st.integers(0, len(lines) - 1))
    last = draw(st.integers(first + 1, len(lines)))
    return lines, first, last


@given(texts(), st.integers(0, 9), st.integers(0, 9), st.data())
def test_whatever_is_taken_over_doubles_nothing_beside_it(
    text: tuple[list[str], int, int], n_before: int, n_after: int, data: st.DataObject
) -> None:
    """An answer that is the named lines, changed or not, between some of those around them."""
    lines, first, last = text
    named = lines[first:last]
    assume(any(map(str.strip, named)))
    changed = list(named)
    if data.draw(st.booleans()):
        changed[data.draw(st.sampled_from([i for i, line in enumerate(named) if line.strip()]))] = "    y = new(x)\n"
    before, after = lines[:first], lines[last:]
    answer = "".join([*before[len(before) - min(n_before, first) :], *changed, *after[:n_after]])
    try:
        new = kept_to_named("".join(before), "".join(named), "".join(after), answer.strip("\n"))
    except ReplacementError:
        return
    result = [*before, *new.splitlines(keepends=True), *after]
    heads = [line for line in result if line.startswith("def ")]
    assert len(heads) == len(set(heads))
    assert len("".join(result).split("\n")) <= len(lines) + 1


@given(texts())
def test_named_lines_that_come_back_unchanged_stay_unchanged(text: tuple[list[str], int, int]) -> None:
    lines, first, last = text
    named = "".join(lines[first:last])
    assume(named.strip())
    assert kept_to_named("".join(lines[:first]), named, "".join(lines[last:]), named.strip("\n")) == named
