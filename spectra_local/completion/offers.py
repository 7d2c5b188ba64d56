"""What became of suggestions: put into the text, in part, or not. Told by an editor, or seen in the text afterwards.

Counts them, and says what is worth learning: text that its author let stand. Knows texts only, no model and no store.
"""

from dataclasses import KW_ONLY, dataclass

from spectra_local.protocol import FillIn
from spectra_local.text_file import lines_of

_TAIL = 160  # characters before a gap by which it is found again
_LEAST = 3  # characters of a suggestion that somebody types by chance are fewer
_LINES_BEFORE = 24  # learned with the first accepted suggestion of a place, so that it is found by what precedes it


@dataclass(slots=True)
class Outcomes:
    """Counts of suggestions, and of their characters."""

    offered: int = 0
    accepted: int = 0
    partly_accepted: int = 0
    rejected: int = 0
    _: KW_ONLY
    offered_chars: int = 0
    accepted_chars: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """Text of a suggestion that stands in the file now, and the text before it that was not handed out yet."""

    before: str
    text: str

    def stands_in(self, text: str) -> bool:
        """Whether a file that holds ``text`` still has it."""
        return self.before[-_TAIL:] + self.text in text


class Offers:
    """One offer at a time: a newer one, or a request from elsewhere, settles it."""

    def __init__(self) -> None:
        self.outcomes = Outcomes()
        self._offered: tuple[str, str] | None = None  # what stands before the gap; the suggestion
        self._settled = ""  # the end of the last accepted text with what precedes it

    def offer(self, gap: FillIn, text: str) -> None:
        """``text`` was suggested for ``gap``."""
        whole = gap.prefix + gap.middle
        if self._offered and text and (whole + text).startswith(shown := self._offered[0] + self._offered[1]):
            n_more = len(whole + text) - len(shown)  # the same one, typed through or grown
            self._offered = self._offered[0], self._offered[1] + (whole + text)[len(shown) :]
            self.outcomes.offered_chars += n_more
            return
        self._reject()
        if text:
            self._offered = whole, text
            self.outcomes.offered += 1
            self.outcomes.offered_chars += len(text)

    def seen(self, gap: FillIn) -> Accepted | None:
        """The text as it is now, at ``gap``: what of the open offer it holds, None while that may still grow."""
        if self._offered is None:
            return None
        before, text = self._offered
        whole = gap.prefix + gap.middle
        tail = before[-_TAIL:]
        at = (whole + gap.suffix).find(tail) if tail else 0
        if at < 0:
            self._reject()
            return None
        inserted = (whole + gap.suffix)[at + len(tail) :]
        typed = whole[at + len(tail) :]
        if len(typed) < len(text) and text.startswith(typed) and whole.startswith(tail, at):
            return None
        n = _common(inserted, text)
        if n == len(text) or n >= _LEAST:
            return self._settle(before, text, n)
        self._reject()
        return None

    def accepted(self, gap: FillIn, text: str) -> Accepted:
        """An editor says that ``text`` was put into ``gap``."""
        before = gap.prefix + gap.middle
        if self._offered is None or self._offered[0] != before or not self._offered[1].startswith(text):
            self.offer(gap, text)  # another of several, or one from before the last
            return self._settle(before, text, len(text))
        return self._settle(*self._offered, len(text))

    def _settle(self, before: str, text: str, n: int) -> Accepted:
        self._offered = None
        outcomes = self.outcomes
        outcomes.accepted += n == len(text)
        outcomes.partly_accepted += n < len(text)
        outcomes.accepted_chars += n
        at = before.rfind(self._settled) if self._settled else -1
        fresh = before[at + len(self._settled) :] if at >= 0 else "".join(_last_lines(before))
        self._settled = (before + text[:n])[-_TAIL:]
        return Accepted(fresh, text[:n])

    def _reject(self) -> None:
        if self._offered is not None:
            self.outcomes.rejected += 1
            self._offered = None


def _common(a: str, b: str) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def _last_lines(text: str) -> list[str]:
    return lines_of(text)[-_LINES_BEFORE:]
