"""Finds what must not leave the machine: keys, passwords, addresses and numbers of people, strings without meaning.

Works on text alone and knows nothing of tokens, stores or files. It errs towards finding too much: a line of code too
many that stays at home costs a guess, a key that leaves costs its owner.
"""

from spectra_local.history.secrets import keys, labelled, numbers, phrases, places
from spectra_local.history.secrets.secret import Recogniser, Secret

__all__ = ["Secret", "scan"]

_RECOGNISERS: tuple[Recogniser, ...] = (
    *keys.RECOGNISERS,
    labelled.labelled,
    *numbers.RECOGNISERS,
    *places.RECOGNISERS,
    *phrases.RECOGNISERS,
)


def scan(text: str) -> list[Secret]:
    """All secrets in ``text``, by place; overlapping ones are not merged."""
    return sorted(secret for recognise in _RECOGNISERS for secret in recognise(text))
