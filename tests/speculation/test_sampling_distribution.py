"""On the real model, a position reached through an accepted guess is sampled as plain decoding samples it.

Under the settings of exact mode: elsewhere batches of other widths round differently, which 10,000 draws can see.
"""

from collections import Counter
from pathlib import Path

import pytest

from spectra_local.llama import native
from spectra_local.llama.context import Context
from spectra_local.llama.model import Model
from spectra_local.llama.sampling import Sampler
from spectra_local.protocol import Sampling

pytestmark = pytest.mark.model

N_DRAWS = 10_000
KEPT = 8  # top-k, so that every token drawn is drawn often enough for the statistic
CHI_SQUARE_7 = 24.3  # 99.9 % point with KEPT - 1 degrees of freedom
STORY = "<|im_start|>user\nWrite a short story about a cat.<|im_end|>\n<|im_start|>assistant\n"


def draws(context: Context, row: int, seed: int) -> Counter[int]:
    sampler = Sampler(Sampling(temperature=1.0, top_k=KEPT, seed=seed), context.model.n_vocab)
    logits = context.logits(row)
    counts = Counter(sampler.sample(context.handle, context.batch_index(row), logits) for _ in range(N_DRAWS))
    sampler.close()
    return counts


def test_ten_thousand_draws_below_a_guess_follow_the_plain_distribution(smollm2_path: Path) -> None:
    model = Model(smollm2_path, exact=True)
    context = Context(model, native.AbortFlag(), n_ctx=2048, n_threads=2, exact=True)
    prompt = model.tokenize(STORY, special=True)
    list(context.prefill(prompt))
    best = int(context.logits().argmax())
    context.decode(best)
    plain = draws(context, 0, seed=1)
    context.commit()
    list(context.prefill(prompt[:-1]))
    context.decode(prompt[-1], [best, 1000, 1001, 1002], [-1, -1, 0, 1])  # a tree in which the guess is row 1
    drafted = draws(context, 1, seed=2)
    context.commit([0])
    context.close()
    model.close()
    assert set(plain) == set(drafted)
    statistic = sum((plain[t] - drafted[t]) ** 2 / (plain[t] + drafted[t]) for t in plain)
    assert statistic < CHI_SQUARE_7
