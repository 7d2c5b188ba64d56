"""Several answers to one prompt, drawn side by side: the prompt is read once, then one pass draws a token of each.

Every answer has a sampler of its own. None is speculated on: the passes are as wide as drafts would make them. Knows
nothing of who wants several, or why.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from spectra_local.answer_events import ShownLogprobs
from spectra_local.answer_text import AnswerText
from spectra_local.errors import UsageError
from spectra_local.llama.context import MAX_LEAVES, Context
from spectra_local.llama.logprobs import Logprobs
from spectra_local.llama.sampling import Sampler
from spectra_local.protocol import PromptProgress, Sampling, Text, TokenLogprobs
from spectra_local.speculation.decoder import Counts


class SideBySide:
    """Draws ``count`` answers to one prompt. ``counts`` and ``ended`` are of the run so far."""

    def __init__(
        self,
        context: Context,
        prompt: Sequence[int],
        sampling: Sampling,
        count: int,
        *,
        logprobs: Logprobs | None = None,
    ) -> None:
        """Raises UsageError for a count or a sampling that makes no sense."""
        if not 1 <= count <= MAX_LEAVES:
            raise UsageError(f"the number of answers must be between 1 and {MAX_LEAVES}")
        self._context = context
        self._prompt = prompt
        self._samplers = [Sampler(drawn_apart(sampling, i), context.model.n_vocab, prompt) for i in range(count)]
        self._logprobs = logprobs
        self._told: dict[int, TokenLogprobs] = {}  # of the token that each answer got last, where they are asked for
        self.counts = Counts()
        self.n_predicted = 0
        self.ended: list[int] = []  # answers that the model or a stop text ended

    def run(
        self, most_tokens: int, stop: Sequence[str], stop_tokens: Collection[int] = ()
    ) -> Iterator[PromptProgress | Text]:
        """Yields progress, then pieces of the answers until each has ended or has its share of ``most_tokens``.

        Raises DecodeAbortedError, ContextFullError, MemoryShortageError.
        """
        context, n = self._context, len(self._samplers)
        started = time.perf_counter()
        for reused, done, total in context.prefill(self._prompt):
            self.counts.reused, self.counts.prefilled = reused, done
            self.counts.prefill_s = time.perf_counter() - started
            yield PromptProgress(done, total, reused)
        most_tokens = min(most_tokens, (context.n_ctx - context.n_past) // n)
        if not most_tokens:
            return
        texts = [AnswerText(stop) for _ in range(n)]
        logprobs = [ShownLogprobs(text) for text in texts]
        growing = {number: self._drawn(number, 0) for number in range(n)}
        context.fork(n, most_tokens)
        try:
            for length in range(1, most_tokens + 1):
                for number, token in list(growing.items()):
                    ends = context.model.ends_generation(token) or token in stop_tokens
                    data = context.model.piece(token)
                    piece = texts[number].feed(data)
                    if self._told and not ends:
                        logprobs[number].feed(self._told[number], len(data), piece)
                    if piece:
                        yield Text(piece, answer=number, logprobs=logprobs[number].take())
                    if texts[number].stopped or ends:
                        self.ended.append(number)
                        del growing[number]
                if not growing or length == most_tokens:
                    break
                context.decode_each(growing, length - 1)
                self.counts.steps += 1
                growing = {number: self._drawn(number, row) for row, number in enumerate(growing)}
        finally:
            context.join()
        for number, text in enumerate(texts):
            if rest := text.finish():
                yield Text(rest, 0, answer=number, logprobs=logprobs[number].finish(rest))

    def _drawn(self, number: int, row: int) -> int:
        context = self._context
        self.n_predicted += 1
        logits = context.logits(row)
        token = self._samplers[number].sample(context.handle, context.batch_index(row), logits)
        if self._logprobs:
            self._told[number] = self._logprobs.of(token, logits)
        return token

    def close(self) -> None:
        """Frees the samplers."""
        for sampler in self._samplers:
            sampler.close()


def drawn_apart(sampling: Sampling, number: int) -> Sampling:
    """The same settings with other draws for each answer; without a seed they differ anyway."""
    return sampling if sampling.seed is None else replace(sampling, seed=sampling.seed + number)
