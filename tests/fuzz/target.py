"""What a target is, and what is promised of everything that refuses an input."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from spectra_local.errors import SpectraError

Offer = Callable[[bytes], None]
"""Returns where an input is read, or refused as promised; raises anything else."""


@dataclass(frozen=True, slots=True)
class Target:
    """Valid inputs, how many mutants of them are offered in the suite, and a reader in a folder of its own."""

    seeds: tuple[bytes, ...]
    inputs: int
    opened: Callable[[Path], AbstractContextManager[Offer]]


def reader(
    read: Callable[[bytes, Path], object], *refusals: type[Exception]
) -> Callable[[Path], AbstractContextManager[Offer]]:
    """``read(input, folder)`` may raise ``refusals``; a SpectraError must be one line that a terminal can show."""

    @contextmanager
    def opened(folder: Path) -> Iterator[Offer]:
        def offer(data: bytes) -> None:
            try:
                read(data, folder)
            except refusals as error:
                if isinstance(error, SpectraError):
                    printable(str(error))

        yield offer

    return opened


def as_file(read: Callable[[Path], object], name: str) -> Callable[[bytes, Path], object]:
    """A reader of files called ``name`` as one of bytes."""

    def from_file(data: bytes, folder: Path) -> object:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return read(path)

    return from_file


def printable(line: str) -> None:
    """Fails for what would move a cursor or fill a screen."""
    assert line.isprintable(), f"no printable line: {line[:200]!r}"
    assert len(line) < 5000, f"{len(line)} characters for one refusal"
