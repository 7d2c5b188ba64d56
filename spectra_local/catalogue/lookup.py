"""From what a user types after --model to a file: a name of the catalogue, of an added model, of any model found on
this disk, or a path."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spectra_local import locations
from spectra_local.catalogue.added import added_models
from spectra_local.catalogue.entries import Entry, entries, entry_named
from spectra_local.catalogue.gguf_peek import is_language_model
from spectra_local.catalogue.offers import NoModelError, choice_of
from spectra_local.catalogue.on_disk import ModelOnDisk, find_all
from spectra_local.errors import ModelNotFoundError
from spectra_local.printable import printable_line

_LONGEST_SHOWN = 200  # characters of what the user typed


class ModelNotPulledError(NoModelError):
    """The catalogue has the model, this disk has not: ``entry`` can be handed to ``download.pull``."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(
            f"{entry.name} is not on this disk yet: 'spectra-chat models pull {entry.name}' fetches it",
            (choice_of(entry),),
        )
        self.entry = entry


@dataclass(frozen=True, slots=True)
class _Known:
    """A name and what it stands for: a file, or an entry that is still to be fetched."""

    name: str
    path: Path | None
    entry: Entry | None = None
    kind: str = ""  # ModelOnDisk's


def resolve(wanted: str) -> Path:
    """The file of a model, by its name or its path.

    Names come before paths, whole names before beginnings of names, and case does not matter. Raises
    ModelNotPulledError for an entry of the catalogue that must be fetched first, else ModelNotFoundError.
    """
    entry = entry_named(wanted)
    if entry is not None and (own := own_file(entry)) is not None:
        return own  # the usual case, without a look at every cache
    known = _known_names()
    for match in known:
        if match.name.lower() == wanted.lower():
            return _file_of(match)
    if wanted and (os.sep in wanted or wanted.lower().endswith(".gguf") or _holds(Path.is_file, wanted)):
        return _file_at(wanted)
    for model in added_models():
        if model.name.lower() == wanted.lower():
            raise ModelNotFoundError(
                f"the file of {model.name}, which was added, is gone or no model any more: {_shown(str(model.path))}; "
                f"'spectra-chat models remove {model.name}' forgets it, 'models add PATH' gives it another file"
            )
    return _file_of(_only_match(wanted, known))


def entry_meant(name: str) -> Entry:
    """The entry of that name, or the only one whose name begins so. Raises ModelNotFoundError."""
    match = entry_named(name) or _only_match(name, [_Known(entry.name, None, entry) for entry in entries()]).entry
    assert match is not None  # only entries were offered
    return match


def own_file(entry: Entry) -> Path | None:
    """The entry's file in our own folder; None where it has not been fetched."""
    path = locations.models_dir() / entry.file
    return path if is_language_model(path) else None


def file_of(entry: Entry, on_disk: list[ModelOnDisk]) -> ModelOnDisk | None:
    """The entry's file among those found: our own, else one with the publisher's file name and size."""
    for model in on_disk:
        if (
            model.where == "own" or entry.may_have_size(model.n_bytes)
        ) and model.path.name.lower() == entry.file.lower():
            return model
    return None


def known_names() -> list[str]:
    """Every name that ``resolve`` understands, the catalogue's first."""
    return list(dict.fromkeys(known.name for known in _known_names()))


def nothing_like(wanted: str) -> ModelNotFoundError:
    """The error of a name that nobody knows, with the nearest ones."""
    return ModelNotFoundError(_nothing_like(wanted, _known_names()))


def _known_names() -> list[_Known]:
    on_disk = find_all()
    known = []
    for entry in entries():
        model = file_of(entry, on_disk)
        known.append(_Known(entry.name, model.path if model else None, entry))
    return known + [_Known(model.name, model.path, kind=model.kind) for model in on_disk]


def _only_match(wanted: str, known: list[_Known]) -> _Known:
    """The one model whose name begins with ``wanted``, files before what must be fetched."""
    matches = {match.name.lower(): match for match in reversed(known) if match.name.lower().startswith(wanted.lower())}
    for candidates in ([match for match in matches.values() if match.path], list(matches.values())):
        if wanted and len(candidates) == 1:
            return candidates[0]
    if wanted and matches:
        names = ", ".join(sorted(match.name for match in matches.values()))
        raise ModelNotFoundError(f"'{_shown(wanted)}' may mean {printable_line(names)}: write more of the name")
    raise ModelNotFoundError(_nothing_like(wanted, known))


def _nothing_like(wanted: str, known: list[_Known]) -> str:
    line = f"there is no model '{_shown(wanted)}'"
    if near := _nearest(wanted.lower(), [match.name for match in known]):
        line += "; the nearest names are " + ", ".join(near)
    return printable_line(line + "; 'spectra-chat models list' shows all, 'spectra-chat models add PATH' adds a file")


def _nearest(wanted: str, names: list[str], most: int = 3) -> list[str]:
    """The names most like ``wanted``, as a whole or as the beginning of one; none where all differ much."""
    from difflib import SequenceMatcher  # only a mistake needs it

    likeness = {}
    for name in names:
        starts = (name.lower(), name.lower()[: len(wanted)])
        likeness[name] = max(SequenceMatcher(None, wanted, start).ratio() for start in starts)
    return [name for name in sorted(likeness, key=likeness.__getitem__, reverse=True)[:most] if likeness[name] >= 0.6]


def _file_of(match: _Known) -> Path:
    if match.kind:
        raise ModelNotFoundError(f"{printable_line(match.name)} is {match.kind}, no model to chat with")
    if match.path is not None:
        return match.path
    assert match.entry is not None  # a name without a file comes from the catalogue
    raise ModelNotPulledError(match.entry)


def _file_at(wanted: str) -> Path:
    if _holds(Path.is_file, wanted):
        return Path(wanted).expanduser().absolute()
    raise ModelNotFoundError(
        f"{_shown(wanted)} is a folder; name the .gguf file in it"
        if _holds(Path.is_dir, wanted)
        else f"{_shown(wanted)} is no ordinary file"
        if _holds(Path.exists, wanted)
        else f"there is no file {_shown(wanted)}"
    )


def _holds(check: Callable[[Path], bool], wanted: str) -> bool:
    try:
        return check(Path(wanted).expanduser())
    except (OSError, RuntimeError):  # too long for a name, no such user
        return False


def _shown(text: str) -> str:
    """What the user typed, fit for a line."""
    return printable_line(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
