"""Reads a ``.spectra`` file into a layer of its own, which can be removed as a whole.

Nothing in the file is trusted: it is checked from end to end before the store is touched, token ids must be in the
vocabulary, and text that comes without fitting token ids is tokenised here.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np

from spectra_local.errors import SpectraError, UsageError
from spectra_local.history import transfer_file
from spectra_local.history.store import Store, no_room, stored_size
from spectra_local.history.transfer_file import Header, Record, TransferFileError
from spectra_local.history.turn import OWN, TOKEN, Turn, said_beyond

Progress = Callable[[float], None]

# A file of some kB must not cost minutes or gigabytes: exports compress to a third or a tenth, rarely to a thirtieth.
_FREE_BYTES = 1 << 20
_MOST_RATIO = 100
_FREE_RECORDS = 5_000  # beside one for four bytes of the file
_PIECE = 32_768  # characters tokenised at once: a tokenizer takes 100 bytes for each

_LAYER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokenizer of the model that the layer is meant for."""

    model: str  # its name, for messages
    fingerprint: str
    size: int  # ids are below
    tokenize: Callable[[str], list[int]]
    _: KW_ONLY
    text: Callable[[Sequence[int]], str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    layer: str
    header: Header
    n_turns: int
    n_retokenised: int  # turns whose tokens came from their text


def layer_name(path: Path) -> str:
    """A name for the layer, made of the file's."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name.removesuffix(transfer_file.SUFFIX)).strip("-._")
    return name[:64] if name and name != OWN else "import"


def is_layer_name(name: str) -> bool:
    """Whether a layer may be called so."""
    return bool(_LAYER.fullmatch(name)) and name != OWN


def read_head(path: Path) -> Header:
    """The file's header. Raises TransferFileError, SpectraError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return transfer_file.read_header(file)
    except OSError as error:
        raise SpectraError(f"cannot read {path}: {error.strerror}") from error


def check(path: Path, vocabulary: Vocabulary, progress: Progress = lambda share: None) -> Header:
    """Reads the whole file and keeps nothing. Raises TransferFileError, SpectraError where it cannot be used."""
    try:
        with path.open("rb") as file:
            header = transfer_file.read_header(file)
            for number, record in enumerate(transfer_file.read_records(file, header)):
                _refuse_unusable(record, header, vocabulary)
                progress(number / max(1, header.n_records))
    except OSError as error:
        raise SpectraError(f"cannot read {path}: {error.strerror}") from error
    if not header.n_records:
        raise TransferFileError("the file is empty; nothing was imported")
    return header


def _refuse_too_large(path: Path, header: Header, store: Store) -> None:
    """By what the header says, before anything is unpacked; ``read_records`` holds the file to it."""
    n_bytes = path.stat().st_size
    if header.n_bytes > _FREE_BYTES + _MOST_RATIO * n_bytes or header.n_records > _FREE_RECORDS + n_bytes // 4:
        raise TransferFileError("the file unpacks to far more than an export ever does; nothing was imported")
    heads_and_text = max(0, header.n_bytes - TOKEN.itemsize * header.n_tokens)
    if stored_size(heads_and_text, header.n_tokens, header.n_records) > store.room():
        raise SpectraError(no_room(store))


def import_file(
    path: Path, store: Store, vocabulary: Vocabulary, name: str | None = None, progress: Progress = lambda share: None
) -> Imported:
    """Checks ``path``, then adds all of it as layer ``name``, or nothing. Raises SpectraError."""
    name = layer_name(path) if name is None else name
    if not is_layer_name(name):
        raise UsageError("a layer's name is made of letters, digits and . _ - (at most 64), and is not 'own'")
    _refuse_too_large(path, read_head(path), store)
    header = check(path, vocabulary, lambda share: progress(0.2 * share))
    adding = _Adding(header, vocabulary, name)
    with path.open("rb") as file:
        # The file may have been exchanged since it was checked: all that is checked once is checked again.
        if transfer_file.read_header(file) != header:
            raise TransferFileError("the file changed while it was read; nothing was imported")
        records = transfer_file.read_records(file, header)
        n_turns = store.import_layer(name, adding.turns(records, lambda share: progress(0.2 + 0.8 * share)))
    return Imported(name, header, n_turns, adding.n_retokenised)


def _refuse_unusable(record: Record, header: Header, vocabulary: Vocabulary) -> None:
    fits = bool(record.tokens) and header.fingerprints[record.tokenizer] == vocabulary.fingerprint
    if fits and not (min(record.tokens) >= 0 and max(record.tokens) < vocabulary.size):
        raise TransferFileError("the file is damaged: its tokenizer lacks some of its token ids; nothing was imported")
    if not fits and not record.text:
        raise SpectraError(
            f"the file was made with another tokenizer than that of {vocabulary.model} and comes without its text, so "
            "it cannot be converted; choose the model it was made with by -m"
        )


class _Adding:
    """Turns records into turns of one layer."""

    def __init__(self, header: Header, vocabulary: Vocabulary, layer: str) -> None:
        self.n_retokenised = 0
        self._header = header
        self._vocabulary = vocabulary
        self._layer = layer
        self._now = time.time()

    def turns(self, records: Iterator[Record], progress: Progress) -> Iterator[Turn]:
        """Each record as a turn; those without tokens (text of no token) are left out."""
        for number, record in enumerate(records):
            progress(number / self._header.n_records)
            _refuse_unusable(record, self._header, self._vocabulary)
            if tokens := self._tokens(record):
                yield Turn(
                    conversation=f"{self._layer}/{record.conversation}",
                    origin=record.origin,
                    fingerprint=self._vocabulary.fingerprint,
                    text=record.text,
                    tokens=np.array(tokens, TOKEN),
                    # A future date would make a turn outlive the user's own; a run has none: it is as old as its layer.
                    ts=self._now if record.is_run else min(record.ms / 1000, self._now),
                    kind=record.kind,
                    layer=self._layer,
                    beyond=said_beyond(self._vocabulary.text(tokens), record.text),
                )

    def _tokens(self, record: Record) -> tuple[int, ...] | list[int]:
        if record.tokens and self._header.fingerprints[record.tokenizer] == self._vocabulary.fingerprint:
            return record.tokens
        self.n_retokenised += 1
        return [token for piece in _pieces(record.text) for token in self._vocabulary.tokenize(piece)]


def _pieces(text: str) -> Iterator[str]:
    """The text in parts, cut before white space where there is any."""
    start = 0
    while len(text) - start > _PIECE:
        end = start + _PIECE
        cut = max(text.rfind(blank, start + _PIECE // 2, end) for blank in "\n ")
        end = cut if cut > 0 else end
        yield text[start:end]
        start = end
    yield text[start:]
