"""Every model on this disk, other programs' included: found by reading only, used where it lies.

The folders are those that Hugging Face's client, llama.cpp, Ollama and LM Studio document. Folders are listed to a
fixed depth, so that links that lead in circles end by themselves.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal

from spectra_local import locations
from spectra_local.catalogue import added, ollama
from spectra_local.catalogue.entries import entry_of_file
from spectra_local.catalogue.gguf_peek import kind_of, parts
from spectra_local.locations import expanded, home_folders
from spectra_local.printable import printable_line

Where = Literal["own", "added", "hugging-face", "llama.cpp", "ollama", "lm-studio", "path"]


_MOST_SETTINGS = 1 << 20  # bytes of another program's settings
_LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class ModelOnDisk:
    """A model file, ready to be loaded."""

    name: str
    path: Path
    n_bytes: int  # all parts of a split model together
    where: Where
    _: KW_ONLY
    kind: str = ""  # what it is in words, where it is none to chat with


def chat_models() -> list[ModelOnDisk]:
    """Those that generate text."""
    return [model for model in find_all() if not model.kind]


def find_all() -> list[ModelOnDisk]:
    """Every model found, each file once: our own first, then what was added, then other programs'."""
    found: dict[Path, ModelOnDisk] = {}
    for where, name, path in _candidates():
        try:
            real = path.resolve()
            if real in found or not real.is_file() or (kind := kind_of(path)) is None:
                continue
            n_bytes = sum(part.stat().st_size for part in parts(path))
        except (OSError, RuntimeError):  # a part is missing, a link leads in circles, no permission
            continue
        found[real] = ModelOnDisk(name, path, n_bytes, where, kind=kind)
    return list(found.values())


def ollama_name(blob: Path) -> str:
    """Under which name Ollama has the file; "" where it has not."""
    return next((name for folder in _ollama_folders() for name, path in ollama.models(folder) if path == blob), "")


def notice_of(path: Path) -> str:
    """What the user should know of where a model comes from; "" as a rule."""
    parts_not_used = [part for folder in _ollama_folders() for part in ollama.unused_parts(folder, path)]
    if not parts_not_used:
        return ""
    *others, last = parts_not_used
    listed = f"{', '.join(others)} and {last}" if others else last
    name = printable_line(ollama_name(path) or path.name)
    return f"Ollama gives {name} {listed} of its own; here the model's file is used without (see /system and /set)."


def _candidates() -> Iterator[tuple[Where, str, Path]]:
    """(where, name, path) of every file that may be a model."""
    for path in _gguf_files(locations.models_dir(), depth=1):
        entry = entry_of_file(path.name)
        yield "own", entry.name if entry else path.stem, path
    for model in added.added_models():
        yield "added", model.name, model.path
    for folder in _hugging_face_folders():
        for repository in _listed(folder):
            if repository.name.startswith("models--"):
                for snapshot in _listed(repository / "snapshots"):
                    yield from (("hugging-face", path.stem, path) for path in _gguf_files(snapshot, depth=2))
    for folder in _llama_cpp_folders():
        yield from (("llama.cpp", path.stem, path) for path in _gguf_files(folder, depth=1))
    for folder in _lm_studio_folders():
        yield from (("lm-studio", path.stem, path) for path in _gguf_files(folder, depth=3))
    for folder in _ollama_folders():
        yield from (("ollama", name, path) for name, path in ollama.models(folder))


def _gguf_files(folder: Path, depth: int) -> Iterator[Path]:
    """Files that end in .gguf, in ``folder`` and down to ``depth`` levels (1: itself alone)."""
    for path in _listed(folder):
        if path.name.lower().endswith(".gguf"):
            yield path
        elif depth > 1:
            yield from _gguf_files(path, depth - 1)


def _listed(folder: Path) -> list[Path]:
    """What a folder holds, sorted; nothing where it is missing, no folder, or closed to us."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _hugging_face_folders() -> list[Path]:
    folders = [cache / "huggingface" / "hub" for cache in (*_xdg_cache(), *home_folders(".cache"))]
    if home := os.environ.get("HF_HOME"):
        folders.insert(0, expanded(Path(home)) / "hub")
    if hub := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        folders.insert(0, expanded(Path(hub)))
    return folders


def _llama_cpp_folders() -> list[Path]:
    if folder := os.environ.get("LLAMA_CACHE"):
        return [expanded(Path(folder))]
    if sys.platform == "darwin":
        return home_folders("Library/Caches/llama.cpp")
    return [cache / "llama.cpp" for cache in _xdg_cache() or home_folders(".cache")]


def _xdg_cache() -> list[Path]:
    return [Path(cache)] if (cache := os.environ.get("XDG_CACHE_HOME")) else []


def _lm_studio_folders() -> list[Path]:
    """Where its settings say, and the folders that it begins with; the second was used up to version 0.3."""
    moved = []
    homes = home_folders(".lmstudio", ".cache/lm-studio")
    for pointer in home_folders(".lmstudio-home-pointer"):
        with contextlib.suppress(OSError, ValueError):
            homes.insert(0, Path(pointer.read_text("utf-8").strip()[:_LONGEST_PATH]))
    for home in homes:
        with contextlib.suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
            with (home / "settings.json").open("rb") as file:
                settings = json.loads(file.read(_MOST_SETTINGS))
            moved.append(Path(settings["downloadsFolder"][:_LONGEST_PATH]))
    return [folder for folder in (*moved, *(home / "models" for home in homes)) if folder.is_absolute()]


def _ollama_folders() -> list[Path]:
    if folder := os.environ.get("OLLAMA_MODELS"):
        return [expanded(Path(folder))]
    # The second belongs to the service that Ollama's installer sets up on Linux.
    return [*home_folders(".ollama/models"), Path("/usr/share/ollama/.ollama/models")]
