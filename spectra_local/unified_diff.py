"""What ``diff -u`` prints for two texts, also for long ones: their equal ends are not compared. Knows no files."""

import difflib
import re
from collections.abc import Iterable
from itertools import takewhile

from spectra_local.text_file import lines_of

_CONTEXT = 3
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # patch and git end lines at "\n" alone, unlike editors
_HUNK = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


def unified_diff(name: str, old: str, new: str) -> str:
    """For ``patch`` and ``git apply``; "" where nothing changed."""
    lines = _diff_lines(name, _LINE.findall(old), _LINE.findall(new))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def n_new_lines(old: str, new: str) -> int:
    """How many lines of ``new`` are new or changed."""
    return sum(line[:1] == "+" for line in _diff_lines("", lines_of(old), lines_of(new))[2:])


def _diff_lines(name: str, a: list[str], b: list[str]) -> list[str]:
    start = max(0, _n_equal(a, b) - _CONTEXT)  # a file of 50,000 lines with one changed took seconds
    a, b = a[start:], b[start:]
    end = max(0, min(_n_equal(reversed(a), reversed(b)) - _CONTEXT, min(len(a), len(b)) - _CONTEXT))
    lines = difflib.unified_diff(a[: len(a) - end], b[: len(b) - end], f"a/{name}", f"b/{name}", n=_CONTEXT)
    return [_moved(line, start) if line.startswith("@@") else line for line in lines]


def _n_equal(a: Iterable[str], b: Iterable[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _moved(hunk: str, n: int) -> str:
    """A hunk's first line, its places ``n`` lines further down."""
    return _HUNK.sub(lambda m: f"@@ -{int(m[1]) + n}{m[2] or ''} +{int(m[3]) + n}{m[4] or ''} @@", hunk)
