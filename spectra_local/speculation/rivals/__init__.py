"""Other training-free drafters behind the same interface, with their published defaults: for measuring only.

No chat or command but the benchmark reaches them. Written from the papers' descriptions, one file a method; where a
method needs what our interface does not give, its docstring says what is left out and whom that favours. Live, the
decoder verifies a tree's leading nodes up to 16 leaves: that cuts REST's and Token Recycling's wide trees.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from spectra_local.speculation.interface import Drafter
from spectra_local.speculation.rivals.anpd import Anpd
from spectra_local.speculation.rivals.lookahead import Lookahead
from spectra_local.speculation.rivals.prompt_lookup import PromptLookup
from spectra_local.speculation.rivals.rest import Rest
from spectra_local.speculation.rivals.suffix_decoding import SuffixDecoding
from spectra_local.speculation.rivals.token_recycling import TokenRecycling

RIVALS: dict[str, Callable[[], Drafter]] = {
    "prompt_lookup": PromptLookup,
    "anpd": Anpd,
    "rest": Rest,
    "lookahead": Lookahead,
    "token_recycling": TokenRecycling,
    "suffix_decoding": SuffixDecoding,
}


@runtime_checkable
class TextStore(Protocol):
    """A drafter, or a history of one, that is handed earlier texts from outside instead of keeping its own."""

    def add(self, text: Sequence[int]) -> None:
        """Appends one text, token ids."""
        ...
