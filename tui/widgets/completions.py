"""A short list above the input box: what the word at the cursor could become. The keyboard stays with the box."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from spectra_local.printable import printable_line
from tui.candidates import Candidate

_MOST_LABEL = 32  # cells before the words about it; longer labels push theirs aside


class Completions(OptionList, can_focus=False):
    """Hidden while there is nothing to offer."""

    DEFAULT_CSS = """
    Completions {
        display: none; height: auto; max-height: 8; width: 100%;
        text-wrap: nowrap; text-overflow: ellipsis;
        border: none; padding: 0 1; background: $surface; background-tint: transparent;
        scrollbar-size-vertical: 1; scrollbar-background: $surface; scrollbar-color: $primary 40%;
        &.-open { display: block; }
        &:ansi > .option-list--option-highlighted { text-style: reverse; }
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._candidates: tuple[Candidate, ...] = ()
        self.was_moved = False  # the user chose one, rather than the list its first

    @property
    def is_open(self) -> bool:
        """Whether it is to be seen."""
        return bool(self._candidates)

    @property
    def chosen(self) -> Candidate | None:
        """The highlighted one."""
        number = self.highlighted
        return self._candidates[number] if number is not None and number < len(self._candidates) else None

    def offer(self, candidates: Sequence[Candidate]) -> None:
        """Shows these instead; none of them hides the list."""
        if tuple(candidates) == self._candidates:
            return
        self._candidates, self.was_moved = tuple(candidates), False
        self.set_class(bool(candidates), "-open")
        width = min(_MOST_LABEL, max((len(c.label) for c in candidates), default=0)) + 2
        self.clear_options().add_options([Option(_line(c, width)) for c in candidates])
        self.highlighted = 0 if candidates else None

    def move(self, rows: int) -> None:
        """Up or down, round and round."""
        self.was_moved = True
        self.highlighted = ((self.highlighted or 0) + rows) % len(self._candidates)


def _line(candidate: Candidate, width: int) -> Content:
    text = Content(printable_line(candidate.label))
    gap = " " * max(1, width - text.cell_length)
    return Content.assemble(text, gap, (printable_line(candidate.words), "$foreground 60%"))
