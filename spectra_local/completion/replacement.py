"""Whether what a model answered is a replacement for a text, and its lines brought into the original's form.

Knows text only. A doubtful answer is refused: a wrong replacement costs more than none.
"""

import re
from difflib import SequenceMatcher

from spectra_local.errors import SpectraError
from spectra_local.text_file import lines_of

_FENCE_LINE = re.compile(r"\s*(`{3,}|~{3,})[\w+#.-]*\s*")
_CHATTER = re.compile(
    r"(sure|certainly|of course|okay|here(?:'s| is| are)|i(?:'ve| have|'ll| will)|below is|the (?:changed|updated|new|"
    r"modified|rewritten) (?:text|code|file|version))\b.*",
    re.IGNORECASE,
)
# "# ... rest of the code", "// (existing code here)": what lazy answers put in place of text.
_PLACEHOLDER = re.compile(
    r"\W*(?:the )?(?:rest|remainder|existing|remaining|other|previous) (?:of|code|text|lines|functions)\b.*",
    re.IGNORECASE,
)


class ReplacementError(SpectraError):
    """The model's answer is no replacement; the text stays as it is."""


def replacement(original: str, answer: str, around: str = "") -> str:
    """``answer`` as lines to stand in place of ``original`` (both with "\\n"); "" where it is blank.

    ``around``: other lines that it may hold. Raises ReplacementError.
    """
    lines = answer.strip("\n").split("\n")
    known = {*original.split("\n"), *around.split("\n")}
    if _is_chatter(lines[0], known):
        lines = lines[1:]
    while lines and not lines[0].strip():
        lines = lines[1:]
    lines = _without_fence(lines, known)
    if not any(map(str.strip, lines)):
        return ""
    for line in lines:
        if line not in known and _FENCE_LINE.fullmatch(line):
            raise ReplacementError("the model's answer is more than the changed text; the text stays as it is")
        if line not in known and _PLACEHOLDER.fullmatch(line.strip()):
            raise ReplacementError(f"the model left text out ({line.strip()[:40]!r}); the text stays as it is")
    if any(_is_chatter(line, known) for line in (lines[0], lines[-1])):
        raise ReplacementError("the model's answer talks about the text; the text stays as it is")
    return ends_of(original, "\n".join(lines))


def in_the_form_of(original: str, new: str, line_end: str) -> str:
    """``new``, whose lines end in "\\n", with the original's own bytes for lines that did not change.

    The others end in ``line_end``.
    """
    old_lines, new_lines = lines_of(original), lines_of(new)
    old, made = [line.rstrip() for line in old_lines], [line.rstrip() for line in new_lines]
    result: list[str] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, made, autojunk=False).get_opcodes():
        if tag == "equal":
            result += old_lines[a:b]
        else:
            result += [line.rstrip("\r\n") + (line_end if line.endswith("\n") else "") for line in new_lines[c:d]]
    for i, line in enumerate(result[:-1]):  # an original last line without an end that is no longer the last
        if not line.endswith(("\n", "\r")):
            result[i] = line + line_end
    return "".join(result)


def _is_chatter(line: str, known: set[str]) -> bool:
    stripped = line.strip()
    return line not in known and bool(_CHATTER.fullmatch(stripped)) and stripped[-1:] in ":.!"


def _without_fence(lines: list[str], known: set[str]) -> list[str]:
    if not lines or lines[0] in known or not (match := _FENCE_LINE.fullmatch(lines[0])):
        return lines
    for end in range(len(lines) - 1, 0, -1):
        if lines[end].strip() == match[1]:
            return lines[1:end]
    return lines[1:]


def ends_of(original: str, text: str) -> str:
    """Begins and ends with as many newlines as the original does."""
    body = text.strip("\n")
    before = len(original) - len(original.lstrip("\n"))
    after = len(original) - len(original.rstrip("\n"))
    return "\n" * before + body + "\n" * after if original.strip() else body
