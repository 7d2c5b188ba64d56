"""Slash commands as values: how they are found, and what is near a name that nobody knows.

Knows no single command, and of the chat only that it is handed to them.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from tui.candidates import Candidate

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen

PREFIX = "/"
_LETTERS_AN_ERROR = 3  # of a name are typed for each slip that still counts as meaning it

Run = Callable[["ChatScreen", str], Awaitable[None] | None]
Values = Callable[["ChatScreen", str], Iterable[str | Candidate]]


@dataclass(frozen=True, slots=True)
class Command:
    """``run`` gets the chat and what follows the name, stripped. ``values`` lists what the argument, of which
    that much is typed, may become; it is called in a thread of its own."""

    name: str
    words: str  # what it does, for help and palette
    run: Run
    argument: str = ""  # as help shows it; optional where it begins with a bracket
    _: KW_ONLY
    values: Values | None = None
    also: tuple[str, ...] = ()  # what other programs call it: works, and is listed nowhere

    @property
    def usage(self) -> str:
        """As it is typed."""
        return f"{PREFIX}{self.name} {self.argument}".rstrip()

    @property
    def needs_argument(self) -> bool:
        """It means nothing alone."""
        return bool(self.argument) and not self.argument.startswith("[")


class Registry:
    """Commands in the order in which help shows them."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._by_name = {command.name: command for command in commands}
        self._also = {name: command for command in commands for name in command.also}
        names = [name for command in commands for name in (command.name, *command.also)]
        if len(set(names)) != len(names):
            raise ValueError("two slash commands have the same name")

    def __iter__(self) -> Iterator[Command]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Command | None:
        """The command of that name, without its slash."""
        return self._by_name.get(name.lower()) or self._also.get(name.lower())

    def nearest(self, name: str) -> Command | None:
        """What somebody who typed ``name`` may have meant."""
        typed = name.lower()
        if not typed:
            return None
        if begun := next((known for known in self._by_name if known.startswith(typed)), None):
            return self._by_name[begun]
        slips = {known: _slips(typed, known) for known in self._by_name}
        nearest = min(slips, key=lambda known: slips[known])
        return self._by_name[nearest] if slips[nearest] * _LETTERS_AN_ERROR <= len(typed) else None


def _slips(typed: str, meant: str) -> int:
    """Letters missed, added, mistaken or exchanged with the next: the distance of Damerau (1964), restricted."""
    above: list[int] = []
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, 1):
        above, before, row = before, row, [i]
        for j, wanted in enumerate(meant, 1):
            slips = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == wanted:
                slips = min(slips, above[j - 2] + 1)
            row.append(slips)
    return row[-1]


def parse(text: str) -> tuple[str, str] | None:
    """Name and argument of a command; None for a message, also one that begins with a space or two slashes."""
    if not text.startswith(PREFIX) or text.startswith(PREFIX * 2) or "\n" in text.strip():
        return None
    name, _, argument = text[len(PREFIX) :].strip().partition(" ")
    return name, argument.strip()
