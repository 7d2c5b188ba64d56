"""Headings, quotes and lists that take a longer version of themselves without being built anew.

Textual's own blocks, paragraphs and tables excepted, are removed and mounted again with each fragment: a list of twenty
items is then eighty widgets a frame. Knows nothing of the text's origin.
"""

from collections.abc import Sequence

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import _markdown as base


async def grow(container: Widget, blocks: Sequence[base.MarkdownBlock]) -> None:
    """Brings the blocks in ``container`` up to ``blocks``, of which all but the last that it has are unchanged."""
    present = [child for child in container.children if isinstance(child, base.MarkdownBlock)]
    for stale in present[len(blocks) :]:
        await stale.remove()
    if kept := present[: len(blocks)]:
        await _replace(kept[-1], blocks[len(kept) - 1])
    if fresh := blocks[len(kept) :]:
        await container.mount_all(fresh)


async def _replace(old: base.MarkdownBlock, new: base.MarkdownBlock) -> None:
    if type(old) is type(new) and type(old)._update_from_block is not base.MarkdownBlock._update_from_block:
        await old._update_from_block(new)
    elif isinstance(old.parent, Widget):
        await old.parent.mount(new, after=old)
        await old.remove()


# Textual's class comes first among the bases below: styles are inherited along the first bases only.


class _Text(base.MarkdownBlock):
    """A block of inline text, replaced by longer text."""

    async def _update_from_block(self, block: base.MarkdownBlock) -> None:
        if type(block) is type(self):
            self.set_content(block._content)
            self._copy_context(block)
        else:
            await super()._update_from_block(block)


class Heading1(base.MarkdownH1, _Text):
    """#"""


class Heading2(base.MarkdownH2, _Text):
    """##"""


class Heading3(base.MarkdownH3, _Text):
    """###"""


class Heading4(base.MarkdownH4, _Text):
    """####"""


class Heading5(base.MarkdownH5, _Text):
    """#####"""


class Heading6(base.MarkdownH6, _Text):
    """######"""


class Quote(base.MarkdownBlockQuote):
    """A block quote."""

    async def _update_from_block(self, block: base.MarkdownBlock) -> None:
        if type(block) is type(self):
            await grow(self, block._blocks)
            self._copy_context(block)
        else:
            await super()._update_from_block(block)


class _List(base.MarkdownList):
    """A list: one row an item, a bullet and a column of blocks."""

    async def _update_from_block(self, block: base.MarkdownBlock) -> None:
        items = [item for item in block._blocks if isinstance(item, base.MarkdownListItem)]
        rows = [row for row in self.children if isinstance(row, Horizontal)]
        if type(block) is not type(self) or not rows or len(items) < len(rows) or not self._same_bullets(block, rows):
            await _rebuild(self, block)
            return
        fresh = list(block.compose())
        await grow(rows[-1].query_children(Vertical).first(), items[len(rows) - 1]._blocks)
        if fresh[len(rows) :]:
            await self.mount_all(fresh[len(rows) :])
        self._copy_context(block)

    def _same_bullets(self, block: base.MarkdownBlock, rows: list[Horizontal]) -> bool:
        """Whether the bullets stand as they did; the tenth item makes all numbers of a list wider."""
        return True


class BulletList(base.MarkdownBulletList, _List):
    """- items"""


class OrderedList(base.MarkdownOrderedList, _List):
    """1. items"""

    def _same_bullets(self, block: base.MarkdownBlock, rows: list[Horizontal]) -> bool:
        items = [item for item in block._blocks if isinstance(item, base.MarkdownListItem)]
        width = max(len(item.bullet) for item in items) + len(". ") + 1
        return len(rows[0].query_children(base.MarkdownBullet).first().symbol) == width


async def _rebuild(old: base.MarkdownBlock, new: base.MarkdownBlock) -> None:
    if isinstance(old.parent, Widget):
        await old.parent.mount(new, after=old)
        await old.remove()
