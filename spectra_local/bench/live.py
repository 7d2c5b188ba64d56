"""Plain decoding, SPECTRA and rivals on one engine in this process: one prompt, one method, one sample.

Every sample starts after the same prefill, which one method leaves to the next; it is not timed, drafting and learning
are. Histories are kept in memory and start empty, calibration starts from what is shipped: the figures do not depend
on what a user did before.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectra_local.bench.methods import PLAIN, SPECTRA
from spectra_local.bench.ratios import Sample
from spectra_local.bench.workload import Prompt
from spectra_local.engine import Engine
from spectra_local.history.in_memory import MemoryHistory
from spectra_local.protocol import Request
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.decoder import Decoder, Prefill
from spectra_local.speculation.drafter import SpectraDrafter
from spectra_local.speculation.interface import Drafter
from spectra_local.speculation.rivals import RIVALS, TextStore

_WARM_UP_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt as this model's tokens."""

    prompt: Prompt
    tokens: list[int]
    prediction: list[int]
    n_tokens: int  # most to generate


class LiveMethods:
    """The methods on one engine, each with what it learns over all prompts."""

    def __init__(self, engine: Engine, methods: Sequence[str]) -> None:
        """``methods``: PLAIN, SPECTRA and names of RIVALS."""
        self._engine = engine
        self._drafters: dict[str, Drafter] = {}
        self._stores: dict[str, TextStore] = {}
        self.names = [PLAIN, *(name for name in methods if name != PLAIN)]

    def _drafter(self, name: str, cost: CostCurve) -> Drafter:
        if name not in self._drafters:
            self._drafters[name] = drafter = self._made(name, cost)
            if isinstance(drafter, TextStore):
                self._stores[name] = drafter
        return self._drafters[name]

    def _made(self, name: str, cost: CostCurve) -> Drafter:
        if name != SPECTRA:
            return RIVALS[name]()
        self._stores[name] = history = MemoryHistory()
        return SpectraDrafter(cost, [history], ends=self._engine.model.end_tokens())

    def question(self, prompt: Prompt, n_tokens: int) -> Question | None:
        """The prompt in tokens; None where the model cannot be asked that. Raises SpectraError."""
        model = self._engine.model
        if prompt.fills_in:
            control = model.fim_tokens()
            if not {"pre", "suf", "mid"} <= control.keys():
                return None
            prefix, suffix = model.tokenize(prompt.prefix), model.tokenize(prompt.suffix)
            start = [model.bos] if model.add_bos else []
            tokens = [*start, control["pre"], *prefix, control["suf"], *suffix, control["mid"]]
        else:
            tokens = self._engine.prompt_tokens(Request(messages=prompt.messages, max_tokens=n_tokens))
        if len(tokens) + n_tokens > self._engine.info.n_ctx:
            return None
        return Question(prompt, tokens, model.tokenize(prompt.prediction) if prompt.prediction else [], n_tokens)

    def warm_up(self, question: Question) -> None:
        """Touches weights and allocates buffers, so that the first sample is like the others."""
        short = Question(question.prompt, question.tokens, [], _WARM_UP_TOKENS)
        self.run(PLAIN, short)

    def run(self, method: str, question: Question) -> Sample:
        """Answers the question once. Raises SpectraError."""
        engine = self._engine
        if method != PLAIN:
            engine.use_drafter(lambda cost: self._drafter(method, cost))
        # A cache that grows must not be timed; one that is larger than needed may round otherwise.
        engine.context.reserve(max(0, len(question.tokens) + question.n_tokens - engine.context.n_past))
        decoder = engine.greedy_decoder(speculate=method != PLAIN)
        tokens, margins, seconds = self._timed(decoder, question, want_margins=method == PLAIN)
        counts = decoder.counts
        return Sample(
            prompt=question.prompt.id,
            task=question.prompt.task,
            method=method,
            tokens=tokens,
            n_timed=len(tokens) - counts.n_free,
            seconds=seconds,
            steps=counts.steps,
            draft_n=counts.draft_n,
            draft_n_accepted=counts.draft_n_accepted,
            draft_seconds=counts.draft_s,
            margins=margins,
        )

    def _timed(
        self, decoder: Decoder, question: Question, *, want_margins: bool
    ) -> tuple[list[int], list[float], float]:
        """Tokens, margins, and the seconds of all but the prefill; what happens between two steps is not timed."""
        steps = decoder.run(question.tokens, question.n_tokens, prediction=question.prediction)
        tokens: list[int] = []
        margins: list[float] = []
        seconds, prefilling = 0.0, False
        while True:
            started = time.perf_counter()
            step = next(steps, None)
            taken = time.perf_counter() - started
            if isinstance(step, Prefill):
                seconds += 0.0 if prefilling else taken  # up to the first report: taking in the prompt, drafting
                prefilling = True
                continue
            seconds += taken
            if step is None:
                return tokens, margins, seconds
            tokens += step.tokens
            if want_margins:
                margins.append(margin(self._engine.context.logits()))

    def remember(self, samples: Sequence[Sample], question: Question) -> None:
        """Puts the question with each method's own answer where that method finds earlier texts."""
        for sample in samples:
            if (store := self._stores.get(sample.method)) is not None:
                store.add([*question.tokens, *sample.tokens])


def margin(logits: NDArray[np.float32]) -> float:
    """Best logit less the second best of a row (n_vocab,)."""
    second, best = np.partition(logits, -2)[-2:]
    return float(best - second)
