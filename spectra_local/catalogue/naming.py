"""One name for a model wherever it is shown: the one it can be asked for by. Knows nothing of what is loaded how."""

from pathlib import Path

from spectra_local.catalogue import added, on_disk
from spectra_local.catalogue.entries import entry_of_file
from spectra_local.printable import printable_line


def name_of(file: Path | str, name_inside: str = "") -> str:
    """The catalogue's name of a model file, the user's, Ollama's, else the file's own.

    ``name_inside`` stands in the file's header. It often tells of a training run rather than of the model, so it is
    used only where the file is named by its hash and nobody knows another name.
    """
    path = Path(file)
    if entry := entry_of_file(path.name):
        return entry.name
    for model in added.added_models():
        if model.path == path:
            return model.name
    if path.name.startswith("sha256-"):
        return printable_line(on_disk.ollama_name(path) or name_inside or path.name)
    return printable_line(path.name.removesuffix(".gguf"))
