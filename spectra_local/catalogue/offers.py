"""What is offered to a person who has no model yet: in which order on this machine, and what each is good for.

Knows nothing of screens. The order is by answers: of twenty questions of a newcomer's kind, which are in
tests/campaigns/questions.py, the first answers 20 rightly, the second 14, the third 8.
"""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from spectra_local.byte_size import byte_size
from spectra_local.catalogue.entries import Entry, entry_named
from spectra_local.catalogue.on_disk import ModelOnDisk
from spectra_local.errors import ModelNotFoundError

ROOMY = 4_000_000_000  # bytes of free memory with which the best answers come first
RATE_WORDS = "50 Mbit/s"  # what the times assume
_BYTES_PER_SECOND = 50e6 / 8

_BEST, _SMALL, _TINY = "qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"
OFFERED = (_BEST, _SMALL, _TINY)  # from the best answers to the worst
_WORDS = {
    _BEST: "answers everyday questions, writes and completes code",
    _SMALL: "quicker, for little memory; more of its answers are wrong",
    _TINY: "tiny, to try the program, not to believe",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be chosen: one on this disk (``path``), or one that is fetched first (``entry``)."""

    name: str
    n_bytes: int | None
    words: str
    path: Path | None = None
    _: KW_ONLY
    entry: Entry | None = None

    @property
    def size(self) -> str:
        """For people: "98 MB", "~669 MB" where it is rounded, "unknown"."""
        if self.n_bytes is None:
            return "unknown"
        about = "~" if self.entry is not None and not self.entry.exact_size else ""
        return f"{about}{byte_size(self.n_bytes)}"

    @property
    def time(self) -> str:
        """How long fetching takes at RATE_WORDS: "16 s", "3 min"; "here" for what is on the disk."""
        if self.path is not None:
            return "here"
        if self.n_bytes is None:
            return "?"
        seconds = self.n_bytes / _BYTES_PER_SECOND
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"

    @property
    def licence(self) -> str:
        """The licence's name; "" where it is not known."""
        return self.entry.licence.name if self.entry else ""


class NoModelError(ModelNotFoundError):
    """A model must be chosen, and perhaps fetched, before there is one: ``choices``, best first."""

    def __init__(self, message: str, choices: tuple[Choice, ...]) -> None:
        super().__init__(message)
        self.choices = choices


def offers(free_memory: int | None) -> tuple[Choice, ...]:
    """The models to offer, best first for this machine; ``free_memory`` in bytes, None where it is not known."""
    roomy = free_memory is None or free_memory >= ROOMY
    names = OFFERED if roomy else (_SMALL, _BEST, _TINY)
    found = [choice_of(entry) for name in names if (entry := entry_named(name)) is not None]
    return tuple(choice for choice in found if choice.name == _TINY or fits(choice.n_bytes, free_memory))


def choice_of(entry: Entry) -> Choice:
    """An entry of the catalogue, to be fetched."""
    return Choice(entry.name, entry.n_bytes, _WORDS.get(entry.name, ""), entry=entry)


def found_choices(on_disk: list[ModelOnDisk], free_memory: int | None) -> tuple[Choice, ...]:
    """The models on this disk that fit into memory, in the order they were found."""
    return tuple(
        Choice(model.name, model.n_bytes, f"on this disk ({model.where})", path=model.path)
        for model in on_disk
        if fits(model.n_bytes, free_memory)
    )


def fits(n_bytes: int | None, free_memory: int | None) -> bool:
    """False where a model's file alone is known to be larger than the memory that is free."""
    return n_bytes is None or free_memory is None or n_bytes < free_memory
