"""Fetching a model as a person at a terminal follows it: a few words, a line that moves, ctrl+c that loses nothing."""

import sys
import time
from pathlib import Path

import click

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.entries import Entry
from spectra_local.catalogue.licences import LicenceNotAcceptedError, accept_licence, licence_accepted
from spectra_local.catalogue.offers import choice_of
from spectra_local.cli.choice import can_ask
from spectra_local.cli.status import StatusLine

_BAR_CELLS = 24
_RATE_AFTER = 1.0  # seconds before a rate is worth showing


def fetch(entry: Entry) -> Path:
    """Fetches the model into our own folder. Ctrl+c raises PullCancelledError, whose exit code is 130."""
    from spectra_local.catalogue.download import pull  # every other command starts without it
    from spectra_local.catalogue.progress import PullCancelledError

    size = f"{choice_of(entry).size}, " if entry.n_bytes else ""
    click.echo(f"fetching {entry.name} ({size}{entry.licence.name})", err=True)
    transfer = _Transfer(entry.name)
    with StatusLine(sys.stderr, delay=0) as status:

        def notice(line: str) -> None:
            status.clear()
            click.echo(line, err=True)

        try:
            return pull(entry, lambda done, total: status.show(transfer.line(done, total)), lambda: False, notice)
        except KeyboardInterrupt:
            raise PullCancelledError(entry.name) from None


def settle_licence(entry: Entry, *, accepted: bool = False) -> None:
    """Makes sure that the licence is accepted: by option, before, or now at the terminal."""
    if licence_accepted(entry):
        return
    if not accepted:
        if not can_ask():
            raise LicenceNotAcceptedError(entry)
        click.echo(f"{entry.name} is under the {entry.licence.name}:\n  {entry.licence.url}", err=True)
        if not click.confirm("Do you accept it?", err=True):
            raise LicenceNotAcceptedError(entry)
    accept_licence(entry)


class _Transfer:
    """Writes ``45 %  ████░░  44 MB of 98 MB  12.0 MB/s  0:05 left  name``: what a narrow screen cuts off comes last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: tuple[float, int] | None = None  # what an earlier try left does not count for the rate

    def line(self, done: int, total: int) -> str:
        """The line for ``done`` of ``total`` bytes."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:
            self._first = now, done
        share = done / total if total else 0.0
        filled = round(share * _BAR_CELLS)
        parts = [
            f"{share:4.0%}",
            "█" * filled + "░" * (_BAR_CELLS - filled),
            f"{byte_size(done)} of {byte_size(total)}",
        ]
        seconds, arrived = now - self._first[0], done - self._first[1]
        if seconds >= _RATE_AFTER and arrived:
            rate = arrived / seconds
            left = round((total - done) / rate)
            parts += [f"{byte_size(rate)}/s", f"{left // 60}:{left % 60:02} left"]
        return "  ".join([*parts, self._name])
