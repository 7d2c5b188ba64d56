"""The user's sampler chain: how the next token is drawn from one row of logits."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra_local.errors import UsageError
from spectra_local.llama.native import lib
from spectra_local.protocol import Sampling

_RANDOM_SEED = 0xFFFFFFFF  # LLAMA_DEFAULT_SEED: llama.cpp draws one
_LARGEST_SEED = _RANDOM_SEED - 1

# OpenAI's two penalties count the whole answer; llama.cpp asks for a number of tokens.
_WHOLE_ANSWER = 1 << 16

# DRY ("don't repeat yourself", p-e-w, text-generation-webui 5677), set to end loops and nothing else: a repetition is
# held back from its 32nd token on, and only of what was said in the last 256, so that lines of code and whole functions
# may come again. llama.cpp's own default is 2 tokens over the whole context.
_DRY_BASE, _DRY_ALLOWED_LENGTH, _DRY_LAST_N = 1.75, 32, 256


def check(sampling: Sampling) -> None:
    """Raises UsageError, naming the first setting that makes no sense."""
    rules = (
        (0 <= sampling.temperature <= 100, "temperature must be between 0 and 100"),
        (0 <= sampling.top_k <= 1 << 20, "top-k must be 0 (off) or a positive number"),
        (0 <= sampling.top_p <= 1, "top-p must be between 0 and 1"),  # 0: the likeliest alone
        (0 <= sampling.min_p <= 1, "min-p must be between 0 and 1"),
        (0 < sampling.repeat_penalty <= 10, "repeat-penalty must be above 0 and at most 10"),
        (0 <= sampling.repeat_last_n <= 1 << 20, "repeat-last-n must be 0 (off) or a positive number"),
        (0 <= sampling.dry_multiplier <= 100, "dry-multiplier must be 0 (off) or a positive number"),
        (-100 <= sampling.frequency_penalty <= 100, "frequency-penalty must be between -100 and 100"),
        (-100 <= sampling.presence_penalty <= 100, "presence-penalty must be between -100 and 100"),
        (
            all(-100 <= bias <= 100 or bias == -inf for _, bias in sampling.logit_bias),
            "a logit-bias must be between -100 and 100",
        ),
        (sampling.seed is None or 0 <= sampling.seed <= _LARGEST_SEED, f"seed must be between 0 and {_LARGEST_SEED}"),
    )
    for holds, message in rules:
        if not holds:
            raise UsageError(message)


def _check_tokens(sampling: Sampling, n_vocab: int) -> None:
    wrong = next((token for token, _ in sampling.logit_bias if not 0 <= token < n_vocab), None)
    if wrong is not None:
        raise UsageError(f"logit-bias names token {wrong}; this model has the tokens 0 to {n_vocab - 1}")


class Sampler:
    """Draws tokens and remembers those it drew (for the repeat penalty): one for each request.

    A plain greedy request needs no chain: the largest logit, the first where several tie, as llama.cpp's greedy
    sampler picks it, without building a list of candidates of the vocabulary's size.
    """

    def __init__(self, sampling: Sampling, n_vocab: int, prompt: Sequence[int] = ()) -> None:
        check(sampling)
        self._chain: Any = None
        looping = sampling.dry_multiplier > 0
        penalised = sampling.repeat_penalty != 1.0 and sampling.repeat_last_n > 0
        counted = sampling.frequency_penalty != 0 or sampling.presence_penalty != 0
        _check_tokens(sampling, n_vocab)
        if sampling.temperature == 0 and not (penalised or looping or counted or sampling.logit_bias):
            return
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if sampling.logit_bias:
            biases = (lib.llama_logit_bias * len(sampling.logit_bias))(*sampling.logit_bias)
            self._add(lib.llama_sampler_init_logit_bias(n_vocab, len(biases), biases))
        if penalised:
            penalties = lib.llama_sampler_init_penalties(
                n_vocab, sampling.repeat_last_n, sampling.repeat_penalty, 0.0, 0.0
            )
            for token in prompt[-sampling.repeat_last_n :]:
                lib.llama_sampler_accept(penalties, token)
            self._add(penalties)
        if counted:
            self._add(
                lib.llama_sampler_init_penalties(
                    n_vocab, _WHOLE_ANSWER, 1.0, sampling.frequency_penalty, sampling.presence_penalty
                )
            )
        if looping:  # it hears nothing of the prompt: what the user wrote may be repeated word by word
            self._add(
                lib.llama_sampler_init_dry(
                    None, sampling.dry_multiplier, _DRY_BASE, _DRY_ALLOWED_LENGTH, _DRY_LAST_N, None, 0
                )
            )
        if sampling.temperature == 0:
            self._add(lib.llama_sampler_init_greedy())
        else:
            if sampling.top_k > 0:
                self._add(lib.llama_sampler_init_top_k(sampling.top_k))
            if sampling.top_p < 1:
                self._add(lib.llama_sampler_init_top_p(sampling.top_p, 1))
            if sampling.min_p > 0:
                self._add(lib.llama_sampler_init_min_p(sampling.min_p, 1))
            self._add(lib.llama_sampler_init_temp(sampling.temperature))
            self._add(lib.llama_sampler_init_dist(_RANDOM_SEED if sampling.seed is None else sampling.seed))

    def _add(self, link: Any) -> None:
        lib.llama_sampler_chain_add(self._chain, link)

    @property
    def takes_likeliest(self) -> bool:
        """Whether the token is always that of the largest logit, the first where several tie."""
        return self._chain is None

    def sample(self, context: int, index: int, logits: NDArray[np.float32]) -> int:
        """The token drawn at batch position ``index`` of native ``context``, whose row is ``logits`` (n_vocab,)."""
        if self.takes_likeliest:
            return int(logits.argmax())
        return int(lib.llama_sampler_sample(self._chain, context, index))

    def close(self) -> None:
        """Frees the chain."""
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None
