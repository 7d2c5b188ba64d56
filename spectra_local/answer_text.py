"""Bytes of tokens, as they are chosen, to text that can be shown: whole characters, and nothing of a stop text."""

import codecs
from collections.abc import Sequence


class AnswerText:
    """Feed it each token's bytes; what it returns is safe to show at once."""

    def __init__(self, stop: Sequence[str] = (), *, strip_first_space: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(s for s in stop if s)
        self._held = ""  # an end that may yet grow into a stop text
        self._strip = strip_first_space  # SentencePiece marks the start of a text with a space
        self.stopped = False  # a stop text was met; all after it is dropped

    def feed(self, piece: bytes) -> str:
        """Text that became certain with ``piece``."""
        return self._release(self._decoder.decode(piece), last=False)

    @property
    def n_held(self) -> int:
        """Bytes that were fed and are not shown yet."""
        return len(self._decoder.getstate()[0]) + len(self._held.encode())

    def finish(self) -> str:
        """What was held back: the beginning of a stop text that never came. Bytes of an unfinished character go."""
        return self._release("", last=True)

    def _release(self, new: str, *, last: bool) -> str:
        if self.stopped:
            return ""
        if self._strip and new:
            new = new.removeprefix(" ")
            self._strip = False
        if not self._stop:
            return new
        text = self._held + new
        ends = [at for at in map(text.find, self._stop) if at >= 0]
        if ends:
            self.stopped = True
            self._held = ""
            return text[: min(ends)]
        hold = 0 if last else max(overlap(text, stop) for stop in self._stop)
        self._held = text[len(text) - hold :]
        return text[: len(text) - hold]


def overlap(text: str, following: str) -> int:
    """Length of the longest end of ``text`` that begins ``following``."""
    for n in range(min(len(text), len(following)), 0, -1):
        if text.endswith(following[:n]):
            return n
    return 0
