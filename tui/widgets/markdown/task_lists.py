"""Task lists within Markdown: ``- [x] done`` is an item that knows whether it is done."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

CHECKED = "checked"  # in the ``meta`` of an item's token
_BOX = re.compile(r"\[([ xX])\]\s+(?=\S)")


def task_list_plugin(parser: MarkdownIt) -> None:
    """Teaches ``parser`` task lists."""
    parser.core.ruler.after("inline", "task_lists", _mark)


def _mark(state: StateCore) -> None:
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open" or not inline.children:
            continue
        first = inline.children[0]
        if first.type == "text" and (box := _BOX.match(inline.content)):
            item.meta[CHECKED] = box[1] != " "
            first.content = first.content[4:].lstrip()
