"""A file while it is edited: between its bytes on the disk and the text that the editor holds. Knows no widgets."""

import re
from collections import Counter

from spectra_local.errors import SpectraError
from spectra_local.named_path import named_path
from spectra_local.printable import printable_line
from spectra_local.text_file import counted_lines, line_end_of, lines_of, read_text_file, replace_file
from tui.editing.veil import Veil

# Textual joins and measures the whole text at each key: 110 ms of a busy core for 1,000,000 characters, 14 for none.
MOST_CHARACTERS = 500_000
_BOM = "\ufeff"
_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".md": "markdown", ".json": "json", ".toml": "toml", ".yaml": "yaml",
    ".yml": "yaml", ".html": "html", ".htm": "html", ".css": "css", ".js": "javascript", ".mjs": "javascript",
    ".jsx": "javascript", ".rs": "rust", ".go": "go", ".sql": "sql", ".java": "java", ".sh": "bash", ".bash": "bash",
    ".xml": "xml", ".svg": "xml",
}  # fmt: skip
_INDENTED = re.compile(r"^(\t+|  +)\S", re.MULTILINE)
_LOOKED_AT = 20_000  # characters, to see how a file is indented
_USUAL_INDENT = 4


class EditedFile:
    """Opened from the disk, or new. Line ends, byte order mark and strange characters come back as they were."""

    def __init__(self, name: str) -> None:
        """Raises SpectraError for what is no text or too long a one."""
        self.path = named_path(name)
        self.name = printable_line(name)
        self.read()

    def read(self) -> None:
        """Takes the file as it now is on the disk. Raises SpectraError, and then stays as it was."""
        saved = None
        if self.path.exists():
            saved = read_text_file(str(self.path)).text
        elif not self.path.parent.is_dir():
            raise SpectraError(f"there is no folder {printable_line(str(self.path.parent))}")
        if saved is not None and len(saved) > MOST_CHARACTERS:
            size = f"{len(saved):,} characters, {counted_lines(len(lines_of(saved)))}"
            raise SpectraError(f"{self.name} is too long to edit here: {size}; the most are {MOST_CHARACTERS:,}")
        self.veil = Veil(saved or "")
        self.saved = saved  # None: not on the disk yet
        self._seen = self._stamp()
        self._bom = saved is not None and saved.startswith(_BOM)
        # Where only some lines end in one, carriage returns stay visible characters of their lines.
        text, self._line_end = saved or "", line_end_of(saved or "")
        if self._line_end == "\r\n" and not text.count("\r\n") == text.count("\n") == text.count("\r"):
            self._line_end = "\n"

    @property
    def text(self) -> str:
        """As the editor holds it: lines end in "\\n", and what no screen may get is hidden."""
        return self.as_edited(self.saved or "")

    def as_edited(self, exact: str) -> str:
        """What ``exactly`` is made from."""
        text = exact.removeprefix(_BOM) if self._bom else exact
        return self.veil.hide(text.replace(self._line_end, "\n"))

    def exactly(self, text: str) -> str:
        """The editor's text as the file has it."""
        text = self.veil.reveal(text)
        return (_BOM if self._bom else "") + text.replace("\n", self._line_end)

    def save(self, text: str) -> None:
        """Writes the editor's text, whole or not at all. Raises SpectraError, also where the file changed meanwhile."""
        exact = self.exactly(text)
        replace_file(self.path, self.saved, exact, backup=False)
        self.saved, self._seen = exact, self._stamp()

    def overwrite(self, text: str) -> None:
        """The same, whatever became of the file. Raises SpectraError."""
        self.saved = read_text_file(str(self.path)).text if self.path.exists() else None
        self.save(text)

    def changed_on_disk(self) -> bool:
        """Whether another program wrote it since it was read. Said once for each change."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        return self.differs_on_disk()

    def differs_on_disk(self) -> bool:
        """Whether the file is other than when it was read or saved."""
        try:
            return (read_text_file(str(self.path)).text if self.path.exists() else None) != self.saved
        except SpectraError:
            return True

    @property
    def language(self) -> str | None:
        """What Textual calls the language it is written in; None for one that it does not know."""
        return _LANGUAGES.get(self.path.suffix.lower())

    @property
    def indent(self) -> tuple[str, int]:
        """ "tabs" or "spaces", and how wide a step is."""
        steps = Counter(match[1] for match in _INDENTED.finditer(self.text[:_LOOKED_AT]))
        if sum(n for step, n in steps.items() if "\t" in step) * 2 > sum(steps.values()):
            return "tabs", _USUAL_INDENT
        widths = [len(step) for step, n in steps.items() if "\t" not in step]
        return "spaces", min(widths) if widths and min(widths) <= 8 else _USUAL_INDENT

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
