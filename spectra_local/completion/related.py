"""Files that help to understand another one, found on disk by themselves: what it imports, and what was edited of late.

Of a long file the stretch is taken that shares most words with the gap's surroundings (Jaccard similarity over a
sliding window, as GitHub Copilot's neighbouring tabs do). Knows paths and texts, no model and no editor.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from spectra_local.protocol import ExtraFile, FillIn
from spectra_local.text_file import with_plain_ends

CHARS_ON_CPU = 1_200  # some 350 tokens: about six seconds of reading with 1.5B parameters on two cores
CHARS_ON_GPU = 24_000
_MOST_FILES = 6
_MOST_SEEN = 400  # entries of a folder that are looked at
_MOST_READ = 24  # files: some 50 ms
_MOST_BYTES = 120_000  # a larger file was hardly written by hand
_WINDOW = 48  # lines of a long file that are taken
_STEP = 12
_HEAD_CHARS = 20_000  # of a file, where its imports are looked for; each line of one of 50,000 would take 0.5 s
_AROUND = 30  # lines around the gap that its words are taken from
_IMPORT_BONUS = 1.0  # a file that is named by an import comes before all that is merely similar
_PROJECT = (".git", ".hg", "pyproject.toml", "package.json", "Cargo.toml", "go.mod", "Makefile")
_LEVELS = 6  # folders above the file in which its project is looked for
_IMPORT = re.compile(
    r"^\s*(?:from|import|#\s*include|#\s*import|use|mod|require|require_relative|source|@import|export\b.*\bfrom)\b"
    r"|\brequire\(|\bimport\(",
)
_WORD = re.compile(r"[A-Za-z_]\w{2,}")
# Endings whose files include each other.
_KIN = (
    {".c", ".h", ".cc", ".cpp", ".hpp", ".cxx", ".hh", ".m", ".mm", ".cu"},
    {".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".vue", ".svelte"},
    {".py", ".pyi", ".pyx"},
    {".java", ".kt", ".kts", ".scala", ".groovy"},
    {".html", ".css", ".scss", ".less"},
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    score: float
    edited: float  # seconds since 1970
    name: str
    text: str


class RelatedFiles:
    """Finds them for one file after another, and anew only where its imports or the opened files changed.

    What stands before a gap must stay as it is while somebody types: a changed prompt is read anew from there.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._found = FillIn("")

    def added_to(self, fill_in: FillIn, path: Path, device: str, opened: Mapping[Path, str] | None = None) -> FillIn:
        """As ``with_related``. ``device``: ModelInfo's; reading is dear on a CPU."""
        key = (path, fill_in.extra, frozenset(_imported(fill_in)), frozenset(opened or ()))
        if key != self._key:
            most_chars = CHARS_ON_CPU if device.startswith("CPU") else CHARS_ON_GPU
            self._key, self._found = key, with_related(fill_in, path, most_chars, opened)
        found = self._found
        return replace(fill_in, path=found.path, repository=found.repository, extra=found.extra)


def with_related(fill_in: FillIn, path: Path, most_chars: int, opened: Mapping[Path, str] | None = None) -> FillIn:
    """``fill_in``, the gap in the file at ``path``, with the texts that help most, the most helpful last.

    ``opened``: texts that an editor holds, newer than the disk's. Files that cannot be read are left out.
    """
    opened = opened or {}
    root = project_root(path)
    imported = _imported(fill_in)
    near = _near_words(fill_in)
    found = []
    neighbours = [
        (_is_named(other, imported), _edited(other), other) for other in _neighbours(path, root, imported, opened)
    ]
    for named, edited, other in sorted(neighbours, reverse=True)[:_MOST_READ]:
        text = opened.get(other)
        text = with_plain_ends(_text_of(other) if text is None else text)
        if not text.strip():
            continue
        piece, score = _best_window(text, near)
        if score > 0 or named:
            name = _name(other, root)
            found.append(_Candidate(score + _IMPORT_BONUS * named, edited, name, piece))
    found.sort(key=lambda each: (each.score, each.edited), reverse=True)
    extra: list[ExtraFile] = []
    for each in found[:_MOST_FILES]:
        text = _cut(each.text, most_chars)
        if text:
            extra.insert(0, ExtraFile(each.name, text))
            most_chars -= len(text) + len(each.name)
    if not extra:
        return fill_in
    return replace(fill_in, path=_name(path, root), repository=root.name, extra=(*fill_in.extra, *extra))


def project_root(path: Path) -> Path:
    """The nearest folder above that holds a project; else the file's own."""
    for folder in islice(path.absolute().parents, _LEVELS):
        if any((folder / mark).exists() for mark in _PROJECT):
            return folder
    return path.absolute().parent


def _imported(fill_in: FillIn) -> set[str]:
    """The words of lines that import something."""
    head = (fill_in.prefix + fill_in.middle + fill_in.suffix)[:_HEAD_CHARS]
    return {word for line in head.split("\n") if _IMPORT.search(line) for word in _WORD.findall(line)}


def _is_named(path: Path, imported: set[str]) -> bool:
    return path.stem in imported or (path.stem in ("__init__", "index", "mod") and path.parent.name in imported)


def _neighbours(path: Path, root: Path, imported: set[str], opened: Mapping[Path, str]) -> list[Path]:
    """Files of the same kind: opened ones, those beside it, and those in folders that an import names."""
    path = path.absolute()
    endings = next((kin for kin in _KIN if path.suffix in kin), {path.suffix})
    folders = [path.parent]
    for base in (path.parent, root, root / "src"):
        folders += [folder for word in sorted(imported) if (folder := base / word).is_dir()]
    found = dict.fromkeys(other for other in opened if other.suffix in endings)
    for folder in dict.fromkeys(folders):
        try:
            with os.scandir(folder) as entries:
                found.update(
                    (Path(entry.path), None)
                    for entry in islice(entries, _MOST_SEEN)
                    if Path(entry.name).suffix in endings and not entry.name.startswith(".") and entry.is_file()
                )
        except OSError:
            continue
    found.pop(path, None)
    return list(found)


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError):
        return ""


def _edited(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _near_words(fill_in: FillIn) -> set[str]:
    before = (fill_in.prefix + fill_in.middle).split("\n")[-_AROUND:]
    after = fill_in.suffix.split("\n")[:_AROUND]
    return set(_WORD.findall("\n".join([*before, *after])))


def _best_window(text: str, near: set[str]) -> tuple[str, float]:
    """The lines of ``text`` that share most words with ``near``, and how much that is, in 0..1."""
    lines = text.split("\n")
    best, best_score = "\n".join(lines[:_WINDOW]), 0.0
    for start in range(0, max(1, len(lines) - _WINDOW + _STEP), _STEP):
        piece = "\n".join(lines[start : start + _WINDOW])
        words = set(_WORD.findall(piece))
        score = len(words & near) / max(1, len(words | near))
        if score > best_score:
            best, best_score = piece, score
    return best, best_score


def _cut(text: str, most_chars: int) -> str:
    """Whole lines of ``text``, from its start."""
    if len(text) <= most_chars:
        return text
    return text[: max(0, text.rfind("\n", 0, max(0, most_chars)))]


def _name(path: Path, root: Path) -> str:
    path = path.absolute()
    return (path.relative_to(root) if path.is_relative_to(root) else Path(path.name)).as_posix()
