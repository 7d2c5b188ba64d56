"""A text file as commands and screens that change texts see it: decoded with its byte order mark and line ends kept.

Knows positions of lines and columns, and how a file is replaced whole or not at all. Knows no model.
"""

import contextlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from spectra_local.byte_size import byte_size
from spectra_local.errors import SpectraError, UsageError
from spectra_local.printable import printable_line

_MOST_BYTES = 50_000_000
_BOM = "\ufeff"
_POSITION = re.compile(r"(\d+):(\d+)")
LINE_END = re.compile(r"\r\n?|\n")  # as editors and LSP count; str.splitlines also cuts at form feeds and such
_LINE = re.compile(rf"[^\r\n]*(?:{LINE_END.pattern})|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text, exactly: ``text.encode()`` is what was read."""

    name: str  # for messages
    text: str
    path: str = "-"

    def lines(self) -> list[str]:
        """All lines with their ends; the last one may have none."""
        return lines_of(self.text)

    def offset(self, position: str) -> int:
        """Characters before LINE:COL, both from 1; COL counts characters, and may stand behind the last of a line.

        The place behind the last line's end, where a further line would begin, is one too. Raises UsageError.
        """
        match = _POSITION.fullmatch(position)
        if match is None:
            raise UsageError(f"{printable_line(position)!r} is no LINE:COL, like 12:5")
        line, column = int(match[1]), int(match[2])
        lines = self.lines()
        n_lines = len(lines)
        if not lines or lines[-1].endswith(("\n", "\r")):
            lines.append("")
        if not 1 <= line <= len(lines):
            raise UsageError(f"{self.name} has {counted_lines(n_lines)}: there is no line {line}")
        before = sum(map(len, lines[: line - 1]))
        bom = 1 if line == 1 and self.text.startswith(_BOM) else 0
        length = len(lines[line - 1].rstrip("\r\n")) - bom
        if not 1 <= column <= length + 1:
            raise UsageError(f"line {line} of {self.name} has {length} characters: columns go from 1 to {length + 1}")
        return before + bom + column - 1


def lines_of(text: str) -> list[str]:
    """Lines with their ends, cut where editors cut: at "\\n", "\\r\\n" and "\\r", and nowhere else."""
    return _LINE.findall(text)


def with_plain_ends(text: str) -> str:
    """``text`` with each of its lines ended by "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def line_end_of(text: str) -> str:
    """What new lines of ``text`` end in."""
    if "\r\n" in text:
        return "\r\n"
    return "\r" if "\r" in text and "\n" not in text else "\n"


def counted_lines(n: int) -> str:
    """``n`` lines, in words."""
    return f"{n:,} line{'s' * (n != 1)}"


def read_text_file(name: str) -> TextFile:
    """The file called ``name``, "-" for stdin. Raises SpectraError for what is no UTF-8 text."""
    shown = "stdin" if name == "-" else printable_line(name)
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1) if sys.stdin is not None else b""
        else:
            with Path(name).open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SpectraError(f"{shown} cannot be read: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise SpectraError(f"{shown} has more than {byte_size(_MOST_BYTES)}: too large to be a text to work on")
    if b"\0" in data:
        raise SpectraError(f"{shown} is no text: it contains zero bytes")
    try:
        return TextFile(shown, data.decode("utf-8"), name)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise SpectraError(f"{shown} is not UTF-8 text (byte {error.start} is 0x{byte:02x})") from error


def replace_file(path: Path, before: str | None, after: str, *, backup: bool = True) -> Path:
    """Writes ``after`` in place of ``before`` (None: of no file), all or nothing; returns the backup's path (NAME~).

    Keeps the mode; writes through a symbolic link. Raises SpectraError, also where the file is no longer ``before``.
    """
    path = path.resolve()
    kept, temporary = path.with_name(f"{path.name}~"), path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if _bytes_of(path) != (None if before is None else before.encode()):
            raise SpectraError(f"{printable_line(str(path))} was changed meanwhile; nothing is written")
        if before is not None and not os.access(path, os.W_OK):
            raise SpectraError(f"{printable_line(str(path))} is read-only")
        try:
            with temporary.open("xb") as file:
                if before is not None:
                    with contextlib.suppress(PermissionError):  # a disk that takes no modes
                        shutil.copymode(path, temporary)
                file.write(after.encode())
                file.flush()
                os.fsync(file.fileno())
            if backup and before is not None:
                shutil.copyfile(path, kept)
                with contextlib.suppress(PermissionError):
                    shutil.copystat(path, kept)
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise SpectraError(f"{printable_line(str(path))} cannot be written: {error.strerror or error}") from error
    return kept


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
