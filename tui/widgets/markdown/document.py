"""A Markdown text that grows at its end: what is finished is parsed and wrapped once, the last block with each piece.

Pure; knows nothing of widgets. All text must have gone through ``printable`` before it comes here.
"""

from dataclasses import replace

from spectra_local.protocol import OWN
from tui.widgets.markdown.blocks import Block, List, parse
from tui.widgets.markdown.holdback import ready_length
from tui.widgets.markdown.line import Line, blank
from tui.widgets.markdown.lines import belongs_to_previous, block_lines
from tui.widgets.markdown.tint import Tint


class Document:
    """Blocks and, for one width at a time, their lines."""

    def __init__(self, *, tinted: bool = False) -> None:
        """``tinted``: in the colours of where text came from."""
        self._settled: list[Block] = []
        self._open: list[Block] = []  # the last block, or nothing
        self._source = ""  # of the open block, and what is held back after it
        self._codes: str | None = "" if tinted else None  # what each character of it came from
        self._number: int | None = None  # the open list's first, where items before it are settled
        self._continues = False
        self._width = 0
        self._settled_lines: list[Line] = []
        self._n_laid_out = 0  # settled blocks whose lines are there
        self._open_lines: list[Line] = []
        self._numbers: list[int] = []  # of the unwrapped line, for each line
        self._codes_begun: list[int] = []  # how many blocks of code have begun, for each line
        self._changed = True
        self._n_kept = 0

    def append(self, text: str, sources: str = "") -> None:
        """Adds text to the end. ``sources``: the protocol's code for each character, "" for the model's own."""
        self._source += text
        if self._codes is not None:
            self._codes += sources.ljust(len(text), OWN)
        self._parse(ready_length(self._source), growing=True)

    def finish(self) -> None:
        """Shows what was held back in case more came."""
        self._parse(len(self._source))

    def lay_out(self, width: int) -> None:
        """Makes the lines for a width; nothing is done twice."""
        if width == self._width and not self._changed:
            return
        if width != self._width:
            self._width, self._n_laid_out, self._settled_lines, self._open_lines = width, 0, [], []
        before, self._open_lines = self._open_lines, []
        first = len(self._settled_lines)
        del self._numbers[len(self._settled_lines) :], self._codes_begun[len(self._settled_lines) :]
        for block in self._settled[self._n_laid_out :]:
            self._settled_lines += self._lines_of(block)
        self._n_laid_out = len(self._settled)
        for block in self._open:
            self._open_lines += self._lines_of(block)
        self._n_kept = first + self._keep(before, first)
        self._count()
        self._changed = False

    def _keep(self, before: list[Line], first: int) -> int:
        """Puts lines that look as they did back in the place of their copies, so that they are not drawn again."""
        for index, old in enumerate(before):
            if first + index >= len(self) or not old.looks_like(self[first + index]):
                return index
            self._replace(first + index, old)
        return len(before)

    def _replace(self, index: int, line: Line) -> None:
        settled = len(self._settled_lines)
        if index < settled:
            self._settled_lines[index] = line
        else:
            self._open_lines[index - settled] = line

    def _count(self) -> None:
        """Numbers the unwrapped lines: what a selection is measured in. And the blocks of code, to be copied by it."""
        number = self._numbers[-1] if self._numbers else -1
        n_codes = self._codes_begun[-1] if self._codes_begun else 0
        for index in range(len(self._numbers), len(self)):
            line = self[index]
            number += line.begins
            self._numbers.append(number)
            if line.begins_code:
                n_codes += 1
                line.number = n_codes
            self._codes_begun.append(n_codes)

    def number(self, index: int) -> int:
        """Which unwrapped line the line at ``index`` belongs to."""
        return self._numbers[index]

    def rows(self) -> list[str]:
        """The text as it was before wrapping, without bullets and bars."""
        rows: list[str] = []
        for index in range(len(self)):
            line = self[index]
            if line.begins:
                rows.append(line.content.plain)
            else:
                rows[-1] = rows[-1].ljust(line.x) + line.content.plain
        return rows

    @property
    def n_kept(self) -> int:
        """Lines at the beginning that the last layout left as they were."""
        return self._n_kept

    @property
    def n_settled(self) -> int:
        """Lines that no longer change at this width."""
        return len(self._settled_lines)

    def __len__(self) -> int:
        return len(self._settled_lines) + len(self._open_lines)

    def __getitem__(self, index: int) -> Line:
        settled = len(self._settled_lines)
        return self._settled_lines[index] if index < settled else self._open_lines[index - settled]

    def _lines_of(self, block: Block) -> list[Line]:
        lines = block_lines(block, self._width)
        if len(self) and not belongs_to_previous(block, 0):
            lines.insert(0, blank())
        return lines

    def _parse(self, length: int, *, growing: bool = False) -> None:
        self._changed = True
        tint = None if not self._codes or self._codes.isspace() else Tint(self._source[:length], self._codes[:length])
        blocks = parse(self._source[:length], tint, growing=growing)
        if blocks and self._continues and isinstance(blocks[0], List):
            blocks[0] = replace(blocks[0], first=self._number, continues=True)
        self._settled += blocks[:-1]
        self._open = blocks[-1:]
        if not blocks:
            return
        if len(blocks) > 1:
            self._continues = False
        self._settle_items()
        self._cut()

    def _settle_items(self) -> None:
        """Of an open list, all items but the last are finished, too."""
        block = self._open[0]
        if not isinstance(block, List) or len(block.items) < 2:
            return
        finished, self._number = block.split_last()
        self._settled.append(finished)
        self._continues = True
        last = block.items[-1]
        self._open = [List((last,), self._number, last.row, continues=True)]

    def _cut(self) -> None:
        """Forgets the source of what is settled."""
        rows = self._source.split("\n")
        if row := self._open[0].row:
            source = "\n".join(rows[row:])
            if self._codes is not None:
                self._codes = self._codes[len(self._source) - len(source) :]
            self._source = source
