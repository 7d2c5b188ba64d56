"""Which licences the user has accepted: asked once for each licence, remembered in the config folder."""

import datetime
import tomllib
from pathlib import Path
from typing import Any

from spectra_local import locations
from spectra_local.catalogue.entries import Entry
from spectra_local.catalogue.record_file import read_record, write_record
from spectra_local.errors import SpectraError


class LicenceNotAcceptedError(SpectraError):
    """The model may only be fetched by someone who accepts its licence: ``entry.licence`` has name and address."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(
            f"{entry.name} is under the {entry.licence.name}: read {entry.licence.url}, "
            f"then accept it with 'spectra-chat models pull {entry.name} --accept-licence'"
        )
        self.entry = entry


def licence_accepted(entry: Entry) -> bool:
    """True where the licence asks for no acceptance or has been accepted before."""
    return not entry.licence.must_accept or entry.licence.id in _accepted()


def accept_licence(entry: Entry) -> None:
    """Remembers that the user accepts the licence of this model, now and for every model under the same one."""
    if licence_accepted(entry):
        return
    accepted = _accepted() | {entry.licence.id: datetime.date.today()}
    lines = [f'"{licence}" = {date}\n' for licence, date in accepted.items()]
    write_record(_record(), "# Licences accepted, and when.\n" + "".join(lines), tomllib.loads)


def _record() -> Path:
    return locations.config_dir() / "accepted-licences.toml"


def _accepted() -> dict[str, Any]:
    return read_record(_record(), tomllib.loads) or {}
