"""What can be completed at the cursor: a command's name, its argument, a file after an @. Knows no widget.

All of it comes from the one registry; lists of files and titles may take a moment and are asked for beside the screen.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectra_local.printable import printable_line
from tui.candidates import MOST_SHOWN, Candidate, files
from tui.commands.registry import PREFIX, Command, Registry

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen

_MENTION = re.compile(r'(?:^|\s)@("[^"\n]*|[^\s"]*)$')


@dataclass(frozen=True, slots=True)
class Place:
    """What is being typed: ``typed`` are the last characters before the cursor. ``command`` "": a file after an @."""

    typed: str
    command: str | None  # None: the name of a command itself


def place_at(before: str) -> Place | None:
    """What could be completed where the text ``before`` the cursor ends."""
    if before.startswith(PREFIX) and not before.startswith(PREFIX * 2) and "\n" not in before:
        name, space, argument = before[len(PREFIX) :].partition(" ")
        return Place(argument.lstrip(), name) if space else Place(before, None)
    if mention := _MENTION.search(before):
        return Place(mention[1], "")
    return None


def names(commands: Registry, typed: str) -> list[Candidate]:
    """Commands whose name begins so, then those that have it inside."""
    wanted = typed.removeprefix(PREFIX).lower()
    found = [command for command in commands if wanted in command.name]
    found.sort(key=lambda command: not command.name.startswith(wanted))  # otherwise as help has them
    return [_named(command) for command in found]


def _named(command: Command) -> Candidate:
    text = f"{PREFIX}{command.name}{' ' * bool(command.argument)}"
    return Candidate(text, command.words, final=not command.needs_argument, shown=command.usage)


def values(commands: Registry, chat: "ChatScreen", place: Place) -> list[Candidate]:
    """What the argument may be. Looks at disks: call it in a thread."""
    if place.command == "":
        return _clean(files(place.typed))
    command = commands.get(place.command or "")
    if command is None or command.values is None:
        return []
    found = command.values(chat, place.typed)
    return _clean([Candidate(value, final=True) if isinstance(value, str) else value for value in found])[:MOST_SHOWN]


def _clean(candidates: list[Candidate]) -> list[Candidate]:
    """Without those that hold control characters: a terminal would obey them, and made visible they are other names."""
    return [candidate for candidate in candidates if printable_line(candidate.text) == candidate.text]
