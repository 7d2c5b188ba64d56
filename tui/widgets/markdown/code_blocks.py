"""The blocks of code in a Markdown text, in the order in which they are read. Pure."""

from collections.abc import Iterable

from tui.widgets.markdown.blocks import Block, Code, List, Quote, parse


def code_blocks(source: str) -> list[Code]:
    """All of them, those in lists and quotes included; a fence that is still open counts with what it has."""
    return _found(parse(source))


def _found(blocks: Iterable[Block]) -> list[Code]:
    found: list[Code] = []
    for block in blocks:
        match block:
            case Code():
                found.append(block)
            case Quote(inner):
                found += _found(inner)
            case List(items):
                for item in items:
                    found += _found(item.blocks)
    return found
