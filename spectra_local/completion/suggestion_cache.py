"""Suggestions of late, so that one which is being typed by hand is served on without asking the model again."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from spectra_local.protocol import ExtraFile, FillIn

_MOST = 250  # as llama.vim keeps


@dataclass(frozen=True, slots=True)
class _Key:
    prefix: str
    suffix: str
    path: str
    extra: tuple[ExtraFile, ...]


class SuggestionCache:
    """Least recently used goes first. A look-up is a comparison of texts: under a millisecond when full."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._texts: OrderedDict[_Key, str] = OrderedDict()

    def put(self, fill_in: FillIn, text: str) -> None:
        """Remembers that ``text`` was suggested for ``fill_in``."""
        key = _key(fill_in)
        self._texts[key] = text
        self._texts.move_to_end(key)
        if len(self._texts) > self._most:
            self._texts.popitem(last=False)

    def get(self, fill_in: FillIn) -> str | None:
        """What is left of a suggestion of which the prefix now ends in the start; None where there is none."""
        now = _key(fill_in)
        for key in reversed(self._texts):
            n_typed = len(now.prefix) - len(key.prefix)
            text = self._texts[key]
            if (
                0 <= n_typed < max(1, len(text))
                and now.prefix.startswith(key.prefix)
                and text.startswith(now.prefix[len(key.prefix) :])
                and replace(key, prefix=now.prefix) == now
            ):
                self._texts.move_to_end(key)
                return text[n_typed:]
        return None


def _key(fill_in: FillIn) -> _Key:
    return _Key(fill_in.prefix + fill_in.middle, fill_in.suffix, fill_in.path, fill_in.extra)
