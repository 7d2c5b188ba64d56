"""What a decoder's passes brought, as events of the protocol. Knows no requests."""

from collections import deque
from dataclasses import replace

from spectra_local.answer_text import AnswerText
from spectra_local.llama.model import Model
from spectra_local.protocol import OTHER_SOURCE, OWN, SOURCE_CODES, Text, Timings, TokenLogprobs
from spectra_local.speculation.decoder import Counts, Step


class ShownLogprobs:
    """Those of an answer's tokens that come to be shown, each when its first byte is. Where none were asked for, none
    are fed."""

    def __init__(self, text: AnswerText) -> None:
        self._text = text
        self._waiting: deque[tuple[int, TokenLogprobs]] = deque()  # with the bytes before the token
        self._n_fed = self._n_shown = 0

    def feed(self, token: TokenLogprobs, n_bytes: int, shown: str) -> None:
        """``shown`` is what the text gave when it was fed the token's ``n_bytes``."""
        self._waiting.append((self._n_fed, token))
        self._n_fed += n_bytes
        self._n_shown = self._n_shown + len(shown.encode()) if self._text.stopped else self._n_fed - self._text.n_held

    def finish(self, rest: str) -> tuple[TokenLogprobs, ...]:
        """Of those that were held back, such as ``rest`` shows."""
        self._n_shown += len(rest.encode())
        return self.take()

    def take(self) -> tuple[TokenLogprobs, ...]:
        """Those that came to be shown since."""
        taken = []
        while self._waiting and self._waiting[0][0] < self._n_shown:
            taken.append(self._waiting.popleft()[1])
        return tuple(taken)


def piece_of(step: Step, text: AnswerText, logprobs: ShownLogprobs, model: Model, cost: float) -> Text:
    """What one pass brought; a token that shows nothing yet counts with it."""
    shown, sources, n = "", "", 0
    for i, (token, source) in enumerate(zip(step.tokens, step.sources, strict=True)):
        data = model.piece(token)
        piece = text.feed(data)
        if i < len(step.logprobs):
            logprobs.feed(step.logprobs[i], len(data), piece)
        shown += piece
        sources += SOURCE_CODES.get(source, OTHER_SOURCE) * len(piece)
        n += 1
        if text.stopped:
            break
    return Text(shown, n, sources if sources.strip(OWN) else "", cost, logprobs=logprobs.take())


def with_all_read(timings: Timings, seconds: float) -> Timings:
    """``timings`` of an answer whose prompt was read anew beforehand, for ``seconds``: nothing of it was kept."""
    n, ms = timings.prompt_n + timings.cache_n, timings.prompt_ms + 1000 * seconds
    return replace(timings, prompt_n=n, prompt_ms=ms, cache_n=0)


def timings_of(counts: Counts, n_predicted: int, seconds: float) -> Timings:
    """Counts of one answer that took ``seconds``, prefill included."""
    n_free = counts.n_free  # tokens drawn from the prefill's logits
    return Timings(
        prompt_n=counts.prefilled,
        prompt_ms=1000 * counts.prefill_s,
        cache_n=counts.reused,
        predicted_n=n_predicted,
        predicted_ms=1000 * max(0.0, seconds - counts.prefill_s),
        draft_n=counts.draft_n,
        draft_n_accepted=counts.draft_n_accepted,
        steps=counts.steps,
        draft_ms=1000 * counts.drafting_s,
        speedup_estimate=(n_predicted - n_free) / counts.whole_cost if counts.cost else 1.0,
        accepted_by_source=counts.accepted_by_source,
        rejected_by_source=counts.rejected_by_source,
    )
