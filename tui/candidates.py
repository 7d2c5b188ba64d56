"""What a word could become: candidates from a list of names or from a folder. Knows no widget and no command."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOST_SHOWN = 50
_MOST_FILES = 5_000  # of one folder that are looked at: a network drive answers slowly


@dataclass(frozen=True, slots=True)
class Candidate:
    """``text`` takes the place of what was typed; ``words`` say what it is. ``final``: nothing need follow it."""

    text: str
    words: str = ""
    final: bool = False
    shown: str = ""  # in the list; "": the text

    @property
    def label(self) -> str:
        """How the list shows it."""
        return self.shown or self.text


def matching(wanted: Iterable[str], typed: str) -> list[str]:
    """Those that begin with ``typed``, then those that have it inside; all where nothing is typed."""
    low = typed.lower()
    found = [name for name in dict.fromkeys(wanted) if low in name.lower()]
    return sorted(found, key=lambda name: not name.lower().startswith(low))


def files(typed: str) -> list[Candidate]:
    """Files and folders whose path begins so; hidden ones only where a dot was typed."""
    quoted = typed.startswith('"')
    folder, name = os.path.split(typed.removeprefix('"'))
    try:
        entries = sorted(_entries(Path(folder or ".").expanduser(), name), key=lambda entry: entry.name.lower())
    except (OSError, ValueError, RuntimeError):  # no such folder, a null in it, no such user
        return []
    found = []
    for entry in entries[:MOST_SHOWN]:
        is_folder = entry.is_dir()
        path = os.path.join(folder, entry.name)  # noqa: PTH118 - as it was typed, "./" and "~" included
        if quoted or " " in path:
            path = f'"{path}' + ("/" if is_folder else '"')
        elif is_folder:
            path += "/"
        found.append(Candidate(path, "folder" if is_folder else "", final=not is_folder))
    return found


def _entries(folder: Path, name: str) -> list[os.DirEntry[str]]:
    found = []
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_FILES:
                break
            if entry.name.lower().startswith(name.lower()) and (name or not entry.name.startswith(".")):
                found.append(entry)
    return found
