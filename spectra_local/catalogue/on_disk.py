"""Every model on this disk, other programs' included: found by reading only, used where it lies.

The folders are those that Hugging Face's client, llama.cpp, Ollama and LM Studio document. Folders are listed to a
fixed depth, so that links that lead in circles end by themselves.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spectra_local import locations
from spectra_local.catalogue import added, ollama
from spectra_local.catalogue.entries import entry_of_file
from spectra_local.catalogue.gguf_peek import is_language_model, parts
from spectra_local.locations import expanded, home_folders

Where = Literal["own", "added", "hugging-face", "llama.cpp", "ollama", "lm-studio", "path"]


@dataclass(frozen=True, slots=True)
class ModelOnDisk:
    """A model file, ready to be loaded."""

    name: str
    path: Path
    n_bytes: int  # all parts of a split model together
    where: Where


def find_all() -> list[ModelOnDisk]:
    """Every language model found, each file once: our own first, then what was added, then other programs'."""
    found: dict[Path, ModelOnDisk] = {}
    for where, name, path in _candidates():
        try:
            real = path.resolve()
            if real in found or not real.is_file() or not is_language_model(path):
                continue
            n_bytes = sum(part.stat().st_size for part in parts(path))
        except (OSError, RuntimeError):  # a part is missing, a link leads in circles, no permission
            continue
        found[real] = ModelOnDisk(name, path, n_bytes, where)
    return list(found.values())


def ollama_name(blob: Path) -> str:
    """Under which name Ollama has the file; "" where it has not."""
    return next((name for folder in _ollama_folders() for name, path in ollama.models(folder) if path == blob), "")


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
    # The second was used up to version 0.3.
    return home_folders(".lmstudio/models", ".cache/lm-studio/models")


def _ollama_folders() -> list[Path]:
    if folder := os.environ.get("OLLAMA_MODELS"):
        return [expanded(Path(folder))]
    # The second belongs to the service that Ollama's installer sets up on Linux.
    return [*home_folders(".ollama/models"), Path("/usr/share/ollama/.ollama/models")]
