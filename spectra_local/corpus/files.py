"""Finds the texts below some paths, and says of every other file why it is none. Reads files, follows no link.

Knows nothing of tokens. A path that somebody named is read even where .gitignore would hide it; what is below a named
folder is not.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from spectra_local.corpus.ignored import Ignored
from spectra_local.text_file import lines_of, with_plain_ends

MOST_BYTES = 4_000_000  # of a file; people write shorter ones

# What version control and tools keep beside the text that people write.
_FOLDERS = frozenset({".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".nox",
                      ".mypy_cache", ".ruff_cache", ".pytest_cache", "site-packages", ".idea", ".vscode"})  # fmt: skip
_SECRET_NAMES = (".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.keystore", "id_rsa*", "id_dsa*",
                 "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".htpasswd", ".npmrc", ".pypirc",
                 "credentials", "credentials.*")  # fmt: skip
_GENERATED_NAMES = ("*.min.js", "*.min.css", "*.map", "*.lock", "package-lock.json", "*.svg", "*_pb2.py", "*.pb.go",
                    "*.ipynb", "*.po", "*.csv", "*.tsv")  # fmt: skip
_GENERATED = re.compile(r"@generated|\bDO NOT EDIT\b|(?:auto-?generated|generated) (?:by|from|file)", re.IGNORECASE)
_HEAD_LINES = 5  # in which a generated file says so
_MEAN_LINE = 400  # characters: longer on average, and no person wrote the lines
DEEPEST = 100  # folders in one another; people make ten
_SENTENCE = 600  # characters that prose has a sentence in


@dataclass(frozen=True, slots=True)
class TextOfFile:
    """A file worth reading."""

    path: Path
    text: str


Skip = Callable[[str, str], None]
"""Told of each file that is not read: its path, and why."""


def texts(paths: list[Path], skip: Skip) -> Iterator[TextOfFile]:
    """Every text at or below ``paths``, in an order that does not change, none twice."""
    known: set[tuple[int, int]] = set()
    for path in paths:
        for each, entry in _files(path, skip):
            identity = (entry.st_dev, entry.st_ino)
            if identity in known:
                continue  # a path was given twice, or is below another one
            known.add(identity)
            found = _read(each, entry, skip)
            if found:
                yield found


def _files(path: Path, skip: Skip) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files at or below a path that somebody named; that may be a link itself."""
    try:
        named = path.resolve(strict=True)
        entry = named.stat()
    except (OSError, RuntimeError, ValueError) as error:
        skip(str(path), _reason(error))
        return
    if stat.S_ISDIR(entry.st_mode):
        yield from _below(named, Ignored.around(named), skip)
    else:
        yield named, entry


def _below(folder: Path, ignored: Ignored, skip: Skip, depth: int = 0) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        skip(str(folder), _reason(error))
        return
    for entry in entries:
        path = Path(entry.path)
        try:
            is_folder, is_link = entry.is_dir(follow_symlinks=False), entry.is_symlink()
            if is_link:
                skip(str(path), "is a link")
            elif ignored.hides(path, is_folder=is_folder):
                skip(f"{path}{os.sep * is_folder}", "is in .gitignore")
            elif not is_folder:
                yield path, entry.stat(follow_symlinks=False)
            elif entry.name in _FOLDERS:
                skip(f"{path}{os.sep}", "belongs to tools")
            elif depth == DEEPEST:
                skip(f"{path}{os.sep}", "is nested too deeply")
            else:
                yield from _below(path, Ignored(path, ignored), skip, depth + 1)
        except OSError as error:
            skip(str(path), _reason(error))


def _read(path: Path, entry: os.stat_result, skip: Skip) -> TextOfFile | None:
    reason = _unwanted(path, entry)
    if not reason:
        try:
            content = content_of(path)
            text = content.decode("utf-8")
            reason = _unwanted_text(text, len(content))
            if not reason:
                return TextOfFile(path, text.removeprefix("\ufeff"))
        except OSError as error:
            reason = _reason(error)
        except UnicodeDecodeError:
            reason = "is no UTF-8 text"
    skip(str(path), reason)
    return None


def content_of(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than is read of any; raises OSError."""
    # Not to wait for a writer where a pipe has taken the file's place since it was looked at.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(MOST_BYTES + 1)


def _unwanted(path: Path, entry: os.stat_result) -> str:
    """Why a file is not even opened; "" where it is."""
    kinds = {stat.S_ISSOCK: "a socket", stat.S_ISFIFO: "a pipe", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device"}
    for is_kind, name in kinds.items():
        if is_kind(entry.st_mode):
            return f"is {name}"
    if entry.st_size == 0:
        return "is empty"
    if entry.st_size > MOST_BYTES:
        return f"is larger than {MOST_BYTES // 1_000_000} MB"
    name = path.name.lower()
    if any(fnmatchcase(name, pattern) for pattern in _SECRET_NAMES):
        return "is where secrets are kept"
    if any(fnmatchcase(name, pattern) for pattern in _GENERATED_NAMES):
        return "is generated, or data"
    return ""


def _unwanted_text(text: str, n_bytes: int) -> str:
    if n_bytes > MOST_BYTES:
        return f"is larger than {MOST_BYTES // 1_000_000} MB"
    if not text.strip():
        return "is empty"
    if "\0" in text:
        return "is binary"
    lines = with_plain_ends(text).count("\n") + 1
    # One line a paragraph is how some people write prose: that has sentences, which data has not.
    is_data = text.count(". ") * _SENTENCE < len(text) and len(text) > 4 * _MEAN_LINE
    if is_data and len(text) / lines > _MEAN_LINE:
        return "is generated, or data"
    if _GENERATED.search("".join(lines_of(text[:4000])[:_HEAD_LINES])):
        return "is generated, or data"
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "may not be read"
    # Path.resolve said RuntimeError before Python 3.13.
    if isinstance(error, RuntimeError) or getattr(error, "errno", 0) == errno.ELOOP:
        return "is a loop of links"
    return str(getattr(error, "strerror", None) or error)
