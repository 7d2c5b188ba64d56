"""The rows of ``models list``: the catalogue and the disk side by side, as a table or as JSON."""

from dataclasses import dataclass
from typing import Any

from spectra_local.catalogue.entries import DEFAULT_MODEL, Entry
from spectra_local.catalogue.lookup import file_of
from spectra_local.catalogue.on_disk import ModelOnDisk
from spectra_local.cli.fetching import size_text
from spectra_local.llama.memory import readable

_HEAD = ("", "NAME", "SIZE", "WHERE", "CONTEXT", "LICENCE", "FILL-IN")
_NOT_HERE = "-"


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

    def as_json(self) -> dict[str, Any]:
        """Plain values under lasting names; null where something is not known."""
        entry, here = self.entry, self.on_disk
        return {
            "name": self.name,
            "default": self.name == DEFAULT_MODEL,
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


def as_table(found: list[ModelRow]) -> list[str]:
    """Aligned lines, the head first."""
    table = [_HEAD, *map(_cells, found)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    right = {_HEAD.index("SIZE"), _HEAD.index("CONTEXT")}
    return [
        " ".join(
            (cell.rjust if column in right else cell.ljust)(width) + " "
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _cells(row: ModelRow) -> tuple[str, ...]:
    entry = row.entry
    mark = ("*" if row.name == DEFAULT_MODEL else "") + ("!" if row.fits_in_memory is False else "")
    return (
        mark,
        row.name,
        readable(row.on_disk.n_bytes) if row.on_disk else size_text(entry) if entry else "?",
        row.on_disk.where if row.on_disk else _NOT_HERE,
        str(entry.context) if entry else "",
        entry.licence.id if entry else "",
        (entry.fim or "") if entry else "",
    )


def _fits(entry: Entry | None, model: ModelOnDisk | None, memory: int | None) -> bool | None:
    n_bytes = model.n_bytes if model else entry.n_bytes if entry else None
    return None if n_bytes is None or memory is None else n_bytes < memory
