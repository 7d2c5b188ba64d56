"""Mathematics within Markdown: where formulas begin and end, and what is shown of them.

``\\( \\)``, ``\\[ \\]``, ``$ $`` and ``$$ $$``, never within code. A formula that is not wholly understood stays as it
was written, with its delimiters. In a text that still grows, one that has begun and not ended is kept back.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

from tui.widgets.markdown.unicode_math import to_unicode

SHOWN, KEPT_BACK, BLOCK = "math", "math_begun", "math_block"
GROWING = "growing"  # in the parser's environment: more of the text may come

_CLOSINGS = {r"\(": r"\)", r"\[": r"\]", "$$": "$$", "$": "$"}
_MOST_KEPT_BACK = {r"\(": 400, r"\[": 2_000, "$$": 2_000, "$": 80}  # characters; then it is shown as it is written
_LONGEST = {r"\(": 2_000, r"\[": 2_000, "$$": 2_000, "$": 200}  # beyond it no end is looked for
_MOST_ROWS = 60
# Between single dollars words are prose, and the dollars are money or variables of a shell.
_PROSE = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}|\s[A-Za-z]{2}\s")
_COMMAND = re.compile(r"\\(?:text|textrm|mathrm|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+")


def math_plugin(parser: MarkdownIt) -> None:
    """Teaches ``parser`` mathematics."""
    parser.inline.ruler.before("escape", "math", _inline)
    parser.block.ruler.before("fence", "math_block", _block, {"alt": ["paragraph", "blockquote", "list", "reference"]})
    parser.core.ruler.after("inline", "math_begun", _show_what_no_longer_grows)


def shown(source: str, opening: str) -> str:
    """A formula with its delimiters as it is to be read."""
    if len(source) < 2 * len(opening) or not source.endswith(_CLOSINGS[opening]):
        return source  # the text ended within it
    inner = source[len(opening) : -len(_CLOSINGS[opening])]
    text = to_unicode(" ".join(inner.split()))
    return source if text is None else text


def _opening(text: str, at: int) -> str:
    two = text[at : at + 2]
    return two if two in _CLOSINGS else text[at : at + 1]


def _inline(state: StateInline, silent: bool) -> bool:
    source, at = state.src, state.pos
    if source[at] not in "\\$":
        return False
    opening = _opening(source, at)
    if opening == "\\":
        if source[at + 1 : at + 2] in (")", "]"):  # the end of what was no formula: its backslash is kept, too
            return _push(state, silent, SHOWN, source[at : at + 2])
        return at + 1 == state.posMax and _keep_back(state, silent, opening)
    end = _end(source, at, opening)
    if end < 0:
        if opening == "$" and not _may_open(source, at):
            return False
        if _keep_back(state, silent, opening):
            return True
        return opening[0] == "\\" and _push(state, silent, SHOWN, opening)
    formula = source[at:end]
    if opening == "$":
        if not _is_mathematics(formula[1:-1]):
            return False
        if end == state.posMax and _keep_back(state, silent, opening):  # a digit may come, and make it money
            return True
    elif not formula[len(opening) : -len(opening)].strip():
        return _push(state, silent, SHOWN, formula)
    return _push(state, silent, SHOWN, shown(formula, opening), len(formula))


def _push(state: StateInline, silent: bool, kind: str, content: str, length: int | None = None) -> bool:
    if not silent:
        state.push(kind, "", 0).content = content
    state.pos += len(content) if length is None else length
    return True


def _keep_back(state: StateInline, silent: bool, opening: str) -> bool:
    rest = state.src[state.pos :]
    if not state.env.get(GROWING) or len(rest) > _MOST_KEPT_BACK.get(opening, 1):
        return False
    if opening == "$" and not _is_mathematics(rest[1:]):
        return False
    return _push(state, silent, KEPT_BACK, rest)


def _end(source: str, at: int, opening: str) -> int:
    """Where the formula that begins at ``at`` ends, -1 where it does not."""
    closing, position = _CLOSINGS[opening], at + len(opening)
    if opening == "$" and not _may_open(source, at):
        return -1
    first, last = position, at + _LONGEST[opening]
    while (position := source.find(closing, position, last)) >= 0:
        before = source[first:position]
        escaped = (len(before) - len(before.rstrip("\\"))) % 2
        if not escaped and (opening != "$" or _may_close(source, position)):
            return position + len(closing)
        position += 1
    return -1


def _may_open(source: str, at: int) -> bool:
    before, following = source[at - 1 : at], source[at + 1 : at + 2]
    return not (before.isalnum() or before == "$" or following.isspace() or following == "$")


def _may_close(source: str, at: int) -> bool:
    following = source[at + 1 : at + 2]
    return not (source[at - 1].isspace() or following.isalnum() or following == "$")


def _is_mathematics(formula: str) -> bool:
    """Whether what stands between single dollars is no prose."""
    return "\n" not in formula and not _PROSE.search(_COMMAND.sub(" ", formula))


def _block(state: StateBlock, start_row: int, end_row: int, silent: bool) -> bool:
    begin = state.bMarks[start_row] + state.tShift[start_row]
    if state.is_code_block(start_row) or (opening := state.src[begin : begin + 2]) not in (r"\[", "$$"):
        return False
    row = _last_row(state, begin, start_row, end_row, opening)
    if row is None:
        return False
    if silent:
        return True
    last, kind = row
    rows = state.getLines(start_row, last + 1, state.sCount[start_row], False).strip()
    token = state.push(kind, "", 0)
    token.content, token.markup, token.block, token.map = rows, opening, True, [start_row, last + 1]
    state.line = last + 1
    return True


def _last_row(state: StateBlock, begin: int, start_row: int, end_row: int, opening: str) -> tuple[int, str] | None:
    """Where a formula in rows of its own ends, and what it is; None where it is none."""
    closing = _CLOSINGS[opening]
    for row in range(start_row, min(end_row, start_row + _MOST_ROWS)):
        if row > start_row and (state.isEmpty(row) or state.sCount[row] < state.blkIndent):
            return None
        first = begin + 2 if row == start_row else state.bMarks[row]
        at = state.src.find(closing, first, state.eMarks[row])
        if at >= 0:
            whole = not state.src[at + 2 : state.eMarks[row]].strip()
            return (row, BLOCK) if whole else None
    at_end = state.eMarks[end_row - 1] >= len(state.src.rstrip("\n")) and not state.src.endswith("\n\n")
    if not at_end or end_row - start_row > _MOST_ROWS:
        return None
    kept_back = state.env.get(GROWING) and len(state.src) - begin <= _MOST_KEPT_BACK[opening]
    return end_row - 1, KEPT_BACK if kept_back else BLOCK


def _show_what_no_longer_grows(state: StateCore) -> None:
    """Only the last paragraph of a text can still grow: what was kept back in others is shown."""
    ended = re.search(r"\n[ \t]*\n\s*\Z", state.src) is not None
    for token in reversed(state.tokens):
        if token.type != "inline":
            ended = ended or token.nesting > 0 or token.type in ("fence", "code_block", "hr", BLOCK)
            continue
        if ended and any(child.type == KEPT_BACK for child in token.children or ()):
            token.children = []
            state.md.inline.parse(token.content, state.md, {}, token.children)
        ended = True
