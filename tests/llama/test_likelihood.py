from contextlib import closing

import numpy as np
import pytest
from fakes.rounding import ROUNDING

from spectra_local.llama import native
from spectra_local.llama.likelihood import STRIDE, Likelihood
from spectra_local.llama.model import Model

pytestmark = pytest.mark.model

EASY = "the quick brown fox jumps over the lazy dog, and one two three four five six seven eight nine ten.\n" * 2
HARD = "zebra quorum lattice 7 vinegar; oblique herring nine gusset, unlikely parsnip tax axle moth fjord plinth.\n" * 2


def test_each_text_of_a_pass_is_judged_for_itself_as_if_it_were_alone(smollm2: Model) -> None:
    line, _ = HARD.splitlines()  # what the second text says would foretell all of the third
    texts = [smollm2.tokenize(text) for text in (EASY, HARD, line)]
    with closing(Likelihood(smollm2, native.AbortFlag(), 2)) as likelihood:
        assert likelihood.fits([len(text) for text in texts])
        together = likelihood.of(texts)
        for text, nats in zip(texts, together, strict=True):
            (alone,) = likelihood.of([text])
            looked = ~np.isnan(nats)
            assert looked.sum() == (len(text) - 1) // STRIDE
            np.testing.assert_allclose(nats[looked], alone[looked], atol=ROUNDING)
        assert np.nanmean(together[0]) + 1 < np.nanmean(together[1])


def test_the_nats_are_those_of_the_models_own_distribution(smollm2: Model) -> None:
    text = smollm2.tokenize(EASY)
    with closing(Likelihood(smollm2, native.AbortFlag(), 2)) as likelihood:
        (nats,) = likelihood.of([text])
        places = np.flatnonzero(~np.isnan(nats))
        logits = likelihood._context.logits(int(places[0]) - 1).astype(np.float64)
    expected = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[text[places[0]]]
    assert nats[places[0]] == pytest.approx(expected, abs=1e-3)
