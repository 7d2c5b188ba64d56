"""What of a text's structure can be seen without knowing its language: brackets, blocks by indentation, definitions.

Judges whether a text in which some lines were replaced is still as whole as it was. Knows text only.
"""

import re
from collections import Counter
from collections.abc import Sequence

_TAB = 8
_PAIRS = {"(": ")", "[": "]", "{": "}"}
# Brackets, after what is none: quoted text that ends in its line, "a) ..." in a list, a face.
_TOKEN = re.compile(
    r"""(?P<skip>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`"""
    r"""|^[ \t]*\w{1,3}\)(?=[ \t]+\w)|(?<=\s)[:;]-?[()](?=\s|$))|[()\[\]{}]""",
    re.MULTILINE,
)
# What begins and ends alike, or stands at a line's start and at one's end.
_MARKS = (
    re.compile('"""'),
    re.compile("'''"),
    re.compile("^[ \t]*(?:```|~~~)", re.MULTILINE),
    re.compile(r"^[ \t]*/\*(?!.*\*/)|^(?!.*/\*).*\*/[ \t]*$", re.MULTILINE),
)
_COMMENT = re.compile(r"\s(?:#|//).*$")
_OPENS_BLOCK = re.compile(
    r"\s*(?:async\s+)?(?:if|for|while|def|class|with|try|else|elif|except|finally|match|case)\b.*:"
)
_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|static|abstract|final|async|pub(?:\([^)]*\))?|const|unsafe)\s+)*"
    r"(?:def|class|function\*?|fn|func|struct|enum|interface|trait|module|namespace)\s+(?P<name>\w+)"
)
_MAY_COME_TWICE = re.compile(r"\s*@.*\b(?:overload|setter|getter|deleter|register)\b")


def flaw(before: str, old: str, new: str, after: str) -> str:
    """What is wrong with ``new`` in the place of ``old`` that was not before, in words; "" where nothing is.

    All are whole lines that end in "\\n"; the last of them all may have no end.
    """
    if not _brackets_stay(before, old, new, after):
        return "leaves a bracket open, or closes one too many"
    if not all(_ends_stay(mark, before, old, new, after) for mark in _MARKS):
        return "begins or ends a quotation, a comment or a block of code that the text around it does not"
    if not after.strip() and _ends_open(old) and not _ends_open(new):
        return "closes the block that these lines leave open"
    above, below = before.split("\n")[:-1], after.split("\n")
    was, now = old.removesuffix("\n").split("\n"), new.removesuffix("\n").split("\n")
    old_lines, new_lines = [*above, *was, *below], [*above, *(now if new else []), *below]
    if not _fits(old_lines, len(above), new_lines, len(above)):
        return "begins at an indentation that does not fit what precedes it"
    end = len(above) + len(now) * bool(new)
    if not _fits(old_lines, len(above) + len(was), new_lines, end):
        return "ends in another block than the text that follows belongs to"
    if name := _doubled_definition(old_lines, new_lines, range(len(above), len(above) + len(was))):
        return f"defines {name} a second time"
    return ""


def indent_of(line: str) -> int:
    """Columns before the first character that is no space."""
    expanded = line.expandtabs(_TAB)
    return len(expanded) - len(expanded.lstrip(" "))


def _brackets_stay(before: str, old: str, new: str, after: str) -> bool:
    """Whether as many brackets are left open, or too many, as before; of a text with such ones nothing is judged."""
    if _unmatched(old) == _unmatched(new):
        return True
    return any(_unmatched(before + old + after)) or not any(_unmatched(before + new + after))


def _ends_stay(mark: re.Pattern[str], before: str, old: str, new: str, after: str) -> bool:
    """Whether what comes in pairs does still; of a text in which it did not nothing is judged."""
    n_old, n_new = (len(mark.findall(text)) for text in (old, new))
    return (n_old - n_new) % 2 == 0 or len(mark.findall(before + after)) % 2 != n_old % 2


def _unmatched(text: str) -> tuple[list[str], list[str]]:
    """Closing brackets that nothing in ``text`` opens; those that it still needs."""
    over: list[str] = []
    needed: list[str] = []
    for match in _TOKEN.finditer(text):
        if match["skip"]:
            continue
        if closing := _PAIRS.get(match[0]):
            needed.append(closing)
        elif needed and needed[-1] == match[0]:
            needed.pop()
        else:
            over.append(match[0])
    return over, needed


def _fits(old: Sequence[str], old_at: int, new: Sequence[str], new_at: int) -> bool:
    """Whether the line from ``new_at`` on belongs into its block as well as the one from ``old_at`` on did.

    Only of blocks that begin after a colon: in other languages brackets tell.
    """
    was, now = _blocks_around(old, old_at), _blocks_around(new, new_at)
    if was is None or now is None:
        return True
    if _opens_in_vain(new, new_at) and not _opens_in_vain(old, old_at):
        return False
    if not was or not _begins_block(old, *was[0], old_at):
        return True
    return bool(now) and _begins_block(new, *now[0], new_at) and ([depth for _, depth in was] == [d for _, d in now])


def _blocks_around(lines: Sequence[str], at: int) -> list[tuple[int, int]] | None:
    """Number and indentation of the lines that head the blocks around the first filled line from ``at`` on.

    The innermost first; None where nothing follows.
    """
    place = next((i for i in range(at, len(lines)) if lines[i].strip()), None)
    if place is None:
        return None
    depth, found = indent_of(lines[place]), []
    for i in range(at - 1, -1, -1):
        if depth == 0:
            break
        if lines[i].strip() and (inner := indent_of(lines[i])) < depth:
            found.append((i, inner))
            depth = inner
    return found


def _begins_block(lines: Sequence[str], header: int, _: int, at: int) -> bool:
    """Whether the line at ``header`` ends in a colon, and the block's first line is indented as the one from ``at``."""
    first, here = (next(i for i in range(start, len(lines)) if lines[i].strip()) for start in (header + 1, at))
    return _code(lines[header]).endswith(":") and indent_of(lines[first]) == indent_of(lines[here])


def _opens_in_vain(lines: Sequence[str], at: int) -> bool:
    """Whether the last filled line before ``at`` begins a block that what follows does not belong to."""
    above = next((line for line in reversed(lines[:at]) if line.strip()), "")
    below = next((line for line in lines[at:] if line.strip()), "")
    return bool(_OPENS_BLOCK.fullmatch(_code(above))) and indent_of(below) <= indent_of(above)


def _ends_open(text: str) -> bool:
    """Whether its last line begins a block: then it is a part of something, also where the rest is not known."""
    last = _code(next((line for line in reversed(text.split("\n")) if line.strip()), ""))
    return last.endswith("{") or _OPENS_BLOCK.fullmatch(last) is not None


def _code(line: str) -> str:
    return _COMMENT.sub("", line).rstrip()


def _doubled_definition(old: Sequence[str], new: Sequence[str], named: range) -> str:
    """A name that is defined more often in one scope than it was; "" where there is none.

    One that the named lines define may come again with another head, as setters and overloads do.
    """
    was, now = _definitions(old), _definitions(new)
    times_was, times_now = (Counter(path for _, path in found) for found in (was, now))
    heads_was = Counter((path, old[at].strip()) for at, path in was)
    heads_now = Counter((path, new[at].strip()) for at, path in now)
    own = {path for at, path in was if at in named}
    for at, path in now:
        head = (path, new[at].strip())
        is_another = path in own and heads_now[head] <= max(1, heads_was[head])
        may_be = is_another or any(map(_MAY_COME_TWICE.match, new[max(0, at - 1) : at]))
        if 0 < times_was[path] < times_now[path] and not may_be:
            return path[-1]
        if not times_was[path] and heads_was[(*path[:-2], path[-1]), head[1]] and path[:-1] in times_was:
            return path[-1]  # written into the one above: the answer's indentation said nothing
    return ""


def _definitions(lines: Sequence[str]) -> list[tuple[int, tuple[str, ...]]]:
    """Number of the line and name, after those of the definitions around it, of each definition."""
    found: list[tuple[int, tuple[str, ...]]] = []
    open_ones: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        if match := _DEFINITION.match(line):
            depth = indent_of(line)
            while open_ones and open_ones[-1][0] >= depth:
                open_ones.pop()
            open_ones.append((depth, match["name"]))
            found.append((number, tuple(name for _, name in open_ones)))
    return found
