"""Which model is meant where none is named: the settings' one, else the best of the offers that is on this disk."""

from pathlib import Path

from spectra_local.catalogue import lookup
from spectra_local.catalogue.entries import entry_named
from spectra_local.catalogue.listing import ModelRow
from spectra_local.catalogue.offers import OFFERED, Choice, NoModelError, found_choices, offers
from spectra_local.catalogue.on_disk import chat_models
from spectra_local.errors import ModelNotFoundError
from spectra_local.llama.memory import available_bytes
from spectra_local.printable import printable_line
from spectra_local.settings import load_settings

_MOST_NAMED = 3


def resolve(name_or_path: str | None) -> Path:
    """The file of a model; None means the default.

    Raises ModelNotPulledError for an entry of the catalogue that must be fetched first, NoModelError where none is
    named and there is no default yet, else ModelNotFoundError.
    """
    if name_or_path is not None:
        return lookup.resolve(name_or_path)
    if name := load_settings()[0].model:
        return _named_by_settings(name)
    memory = available_bytes()
    best = offers(memory)
    if (first := best[0].entry) is not None and (own := lookup.own_file(first)) is not None:
        return own  # the usual case, without a look at every cache
    on_disk = chat_models()
    for name in dict.fromkeys([*(choice.name for choice in best), *OFFERED]):  # the last are larger than the memory
        entry = entry_named(name)
        if entry is not None and (model := lookup.file_of(entry, on_disk)) is not None:
            return model.path
    found = found_choices(on_disk, memory)
    raise NoModelError(_no_model(found, best), (*found, *best))


def default_row(rows: list[ModelRow]) -> ModelRow | None:
    """The row of what ``resolve(None)`` finds, or of what is offered first where it finds nothing."""
    try:
        return _row_of(resolve(None), rows)
    except NoModelError as error:
        first = error.choices[0]
    except ModelNotFoundError:
        return None
    if first.path is not None:
        return _row_of(first.path, rows)
    return next((row for row in rows if row.name == first.name), None)


def _row_of(path: Path, rows: list[ModelRow]) -> ModelRow | None:
    return next((row for row in rows if row.on_disk is not None and row.on_disk.path == path), None)


def name_for_option(path: Path) -> str:
    """What -m takes for the file: its name, or its path where no name leads to it."""
    from spectra_local.catalogue.naming import name_of

    name = name_of(path)
    try:
        return name if lookup.resolve(name) == path else str(path)
    except ModelNotFoundError:
        return str(path)


def _named_by_settings(name: str) -> Path:
    try:
        return lookup.resolve(name)
    except NoModelError:
        raise
    except ModelNotFoundError as error:
        raise ModelNotFoundError(
            f"{error} (the settings name it: 'spectra-chat models default NAME' changes that)"
        ) from error


def _no_model(found: tuple[Choice, ...], best: tuple[Choice, ...]) -> str:
    if not found:
        first = best[0]
        return f"no model is on this disk yet: 'spectra-chat models pull {first.name}' fetches one ({first.size})"
    more = "" if len(found) <= _MOST_NAMED else f" and {len(found) - _MOST_NAMED} more"
    names = ", ".join(model.name for model in found[:_MOST_NAMED]) + more
    return printable_line(
        f"no model is chosen yet; on this disk: {names}: 'spectra-chat models default NAME' chooses one, "
        f"'spectra-chat models pull {best[0].name}' fetches another"
    )
