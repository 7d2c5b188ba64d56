"""The models a user added by path: remembered in the data folder, used where they lie, never copied or deleted."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from spectra_local import locations
from spectra_local.catalogue.record_file import read_record, write_record
from spectra_local.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")


@dataclass(frozen=True, slots=True)
class AddedModel:
    """A name the user gave to a file of theirs."""

    name: str
    path: Path


def added_models() -> list[AddedModel]:
    """All of them, in the order they were added; none where nothing was or where the record is damaged."""
    return read_record(_record(), _parse) or []


def remember(name: str, path: Path) -> None:
    """Adds the model. Raises UsageError for a name that cannot be used, SpectraError where nothing can be written."""
    if not _NAME.fullmatch(name):
        raise UsageError("a name is made of letters, digits and . _ : + - (at most 100); choose one with --name")
    _write([*(model for model in added_models() if model.name.lower() != name.lower()), AddedModel(name, path)])


def forget(name: str) -> bool:
    """Removes the model from the record, never the file. False where it was not there."""
    models = added_models()
    kept = [model for model in models if model.name.lower() != name.lower()]
    if len(kept) == len(models):
        return False
    _write(kept)
    return True


def name_for(path: Path) -> str:
    """A usable name made of a file's name."""
    name = re.sub(r"[^A-Za-z0-9._:+-]+", "-", path.name.removesuffix(".gguf")).strip("-._:+")
    return name[:100] or "model"


def _record() -> Path:
    return locations.data_dir() / "added-models.json"


def _parse(text: str) -> list[AddedModel]:
    try:
        return [AddedModel(str(row["name"]), Path(row["path"])) for row in json.loads(text)]
    except (TypeError, KeyError) as error:
        raise ValueError("not a record of added models") from error


def _write(models: list[AddedModel]) -> None:
    rows = [{"name": model.name, "path": str(model.path)} for model in models]
    write_record(_record(), json.dumps(rows, indent=1), _parse)
