"""Which files of a folder its owner does not count as text of the project: what .gitignore says, as git reads it."""

import contextlib
from pathlib import Path

import pathspec

FILE = ".gitignore"
_MOST_BYTES = 1_000_000  # a longer one is none


class Ignored:
    """The rules that hold in one folder: its own and those of the folders above it, up to the repository's root."""

    def __init__(self, folder: Path, above: "Ignored | None" = None) -> None:
        self._folder = folder
        self._above = above
        self._spec: pathspec.GitIgnoreSpec | None = None
        with contextlib.suppress(OSError, ValueError):
            path = folder / FILE
            if path.is_file() and path.stat().st_size <= _MOST_BYTES:
                lines = path.read_text("utf-8", "replace").split("\n")
                self._spec = pathspec.GitIgnoreSpec.from_lines(lines)

    @classmethod
    def around(cls, folder: Path) -> "Ignored":
        """Those of a folder that somebody wants read: rules above it that hide it as a whole do not hold."""
        root = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
        found: Ignored | None = None
        for each in reversed([folder, *folder.parents]):
            if each == root or root in each.parents:
                if found and found.hides(each, is_folder=True):
                    found = None
                found = cls(each, found)
        return found or cls(folder)

    def hides(self, path: Path, *, is_folder: bool) -> bool:
        """Whether a path below the folder is not to be read; the innermost rule that fits decides."""
        if self._spec is not None:
            relative = path.relative_to(self._folder).as_posix() + "/" * is_folder
            said = self._spec.check_file(relative).include
            if said is not None:
                return said
        return self._above.hides(path, is_folder=is_folder) if self._above else False
