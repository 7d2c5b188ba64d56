"""The catalogue and the disk side by side: one row for each model, whatever is known of it. Knows no screen."""

from dataclasses import dataclass
from typing import Any

from spectra_local.catalogue.entries import Entry
from spectra_local.catalogue.lookup import file_of
from spectra_local.catalogue.offers import fits
from spectra_local.catalogue.on_disk import ModelOnDisk


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: an entry of the catalogue, a file on disk, or both."""

    name: str
    entry: Entry | None
    on_disk: ModelOnDisk | None
    fits_in_memory: bool | None  # whether its file alone does; None: size or memory unknown

    @property
    def n_bytes(self) -> int | None:
        """Size of the file, rounded where only the catalogue tells it."""
        return self.on_disk.n_bytes if self.on_disk else self.entry.n_bytes if self.entry else None

    def as_json(self, *, is_default: bool) -> dict[str, Any]:
        """Plain values under lasting names; null where something is not known."""
        entry, here = self.entry, self.on_disk
        return {
            "name": self.name,
            "default": is_default,
            "where": here.where if here else None,
            "path": str(here.path) if here else None,
            "bytes": self.n_bytes,
            "bytes_exact": here is not None or (entry is not None and entry.exact_size),
            "fits_in_memory": self.fits_in_memory,
            "in_catalogue": entry is not None,
            "repository": entry.repository if entry else None,
            "family": entry.family if entry else None,
            "licence": entry.licence.id if entry else None,
            "context": entry.context if entry else None,
            "fim": entry.fim if entry else None,
            "kind": (here.kind if here else "") or "text generation",
        }


def rows(entries: tuple[Entry, ...], on_disk: list[ModelOnDisk], memory: int | None) -> list[ModelRow]:
    """Every entry of the catalogue, then every other file; ``memory`` is what is free, in bytes."""
    here = {entry.name: file_of(entry, on_disk) for entry in entries}
    taken = {model.path for model in here.values() if model}
    pairs: list[tuple[str, Entry | None, ModelOnDisk | None]] = [
        *((entry.name, entry, here[entry.name]) for entry in entries),
        *((model.name, None, model) for model in on_disk if model.path not in taken),
    ]
    return [ModelRow(name, entry, model, _fits(entry, model, memory)) for name, entry, model in pairs]


def _fits(entry: Entry | None, model: ModelOnDisk | None, memory: int | None) -> bool | None:
    n_bytes = model.n_bytes if model else entry.n_bytes if entry else None
    return None if n_bytes is None or memory is None else fits(n_bytes, memory)
