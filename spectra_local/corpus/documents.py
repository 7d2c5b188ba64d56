"""What a corpus is made of: the texts of files, or the model's own earlier answers. Both are read as token ids."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Protocol

from spectra_local.corpus import files
from spectra_local.corpus.chunks import cut
from spectra_local.corpus.files import Skip
from spectra_local.history.store import Store
from spectra_local.history.turn import OWN, Kind, Origin


class Vocabulary(Protocol):
    """A model's tokenizer; ``Model`` is one."""

    def tokenize(self, text: str) -> list[int]:
        """Token ids of ``text``."""
        ...

    def piece(self, token: int) -> bytes:
        """What a token stands for."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """The text of some tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """One text. ``chunks``: (start, end) in ``tokens``, one after the other."""

    name: str
    tokens: list[int]
    chunks: list[tuple[int, int]]
    ts: float  # seconds since 1970
    _: KW_ONLY
    origin: Origin = "user"
    kind: Kind = "complete"
    said: tuple[str, str] | None = None  # text and what is beyond it, where it is a turn that is kept as it is


class Source(Protocol):
    """Where documents come from: the same ones in the same order each time, as long as nobody changes them."""

    withholds_secrets: bool  # whether they may hold what was never said here

    def documents(self, skip: Skip) -> Iterator[Document]:
        """All of them; ``skip`` is told what is left out."""
        ...


class Files:
    """Texts below some paths."""

    withholds_secrets = True

    def __init__(self, paths: Sequence[Path], vocabulary: Vocabulary) -> None:
        self._paths = list(paths)
        self._vocabulary = vocabulary

    def documents(self, skip: Skip) -> Iterator[Document]:
        """One a file; see Source."""
        for found in files.texts(self._paths, skip):
            tokens = self._vocabulary.tokenize(found.text)
            chunks = list(cut(tokens, self._vocabulary.piece))
            if chunks:
                name = str(found.path).encode("utf-8", "replace").decode()  # a file's name need not be UTF-8
                yield Document(name, tokens, chunks, time.time())
            else:
                skip(str(found.path), "is too short")


class Answers:
    """What the model said here before: the best source known (SSSD). An answer is one chunk, kept whole or not, under
    its conversation's name: what is forgotten there is forgotten here too."""

    withholds_secrets = False  # it is in the history anyway

    def __init__(self, store: Store, fingerprint: str) -> None:
        """``fingerprint``: of the tokenizer."""
        self._store = store
        self._fingerprint = fingerprint

    def documents(self, skip: Callable[[str, str], None]) -> Iterator[Document]:
        """One an answer; see Source."""
        for turn in self._store.turns(layer=OWN, fingerprint=self._fingerprint):
            if turn.origin == "model" and len(turn.tokens):
                tokens = turn.tokens.tolist()
                said = (turn.text, turn.beyond)
                yield Document(
                    turn.conversation, tokens, [(0, len(tokens))], turn.ts, origin="model", kind=turn.kind, said=said
                )


def source_of(paths: Sequence[Path], store: Store, vocabulary: Vocabulary, fingerprint: str) -> Source:
    """That of a corpus with these paths; without any it is the model's own answers."""
    return Files(paths, vocabulary) if paths else Answers(store, fingerprint)
