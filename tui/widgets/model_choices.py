"""Models to choose from with the arrows: what each is, how large, how long it takes to fetch, what it is good for."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from spectra_local.catalogue.offers import Choice
from spectra_local.printable import printable_line

_NAME = 28  # cells, where the facts stand on the same line


class ModelChoices(OptionList):
    """``choices`` in their order; a narrow one folds the facts below the name and leaves the words out."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__(markup=False)
        self._choices = choices
        self._only: Choice | None = None

    @property
    def chosen(self) -> Choice:
        """The one that is marked."""
        if self._only is not None:
            return self._only
        return self._choices[self.highlighted or 0]

    def draw(self, *, narrow: bool) -> None:
        """Writes all of them, or the one that is shown alone."""
        marked = self.highlighted or 0
        shown = [self._only] if self._only is not None else self._choices
        self.set_options([Option(_lines(choice, narrow=narrow)) for choice in shown])
        self.highlighted = min(marked, len(shown) - 1)

    def show_alone(self, choice: Choice | None, *, narrow: bool) -> None:
        """Leaves ``choice`` on the screen and no other; None brings all back, with the one marked that was alone."""
        before, self._only = self._only, choice
        self.draw(narrow=narrow)
        if choice is None and before is not None:
            self.highlighted = self._choices.index(before)


def _lines(choice: Choice, *, narrow: bool) -> Content:
    name = printable_line(choice.name)  # in no colour: the marked one has a ground of its own
    if narrow:
        facts = ", ".join(fact for fact in (choice.size, choice.time, choice.licence) if fact)
        return Content.assemble((name, "bold"), "\n", f"  {facts}")
    facts = f"{choice.size:>7} {choice.time:>6}  {choice.licence}"
    words = ("\n", f"  {printable_line(choice.words)}") if choice.words else ()
    return Content.assemble((f"{name[:_NAME]:{_NAME}}", "bold"), facts, *words)
