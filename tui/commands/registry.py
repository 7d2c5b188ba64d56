"""Slash commands as values: how they are found, and what is near a name that nobody knows.

Knows no single command, and of the chat only that it is handed to them.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tui.candidates import Candidate

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen

PREFIX = "/"
_NEAR_ENOUGH = 0.5  # of difflib's ratio: finds /chats for /chast, not for any word

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
    values: Values | None = None

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
        if len(self._by_name) != len(commands):
            raise ValueError("two slash commands have the same name")

    def __iter__(self) -> Iterator[Command]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Command | None:
        """The command of that name, without its slash."""
        return self._by_name.get(name.lower())

    def nearest(self, name: str) -> Command | None:
        """What somebody who typed ``name`` may have meant."""
        begun = [known for known in self._by_name if known.startswith(name.lower())] if name else []
        near = begun or get_close_matches(name.lower(), self._by_name, n=1, cutoff=_NEAR_ENOUGH)
        return self._by_name[near[0]] if near else None


def parse(text: str) -> tuple[str, str] | None:
    """Name and argument of a command; None for a message, also one that begins with a space or two slashes."""
    if not text.startswith(PREFIX) or text.startswith(PREFIX * 2) or "\n" in text.strip():
        return None
    name, _, argument = text[len(PREFIX) :].strip().partition(" ")
    return name, argument.strip()
