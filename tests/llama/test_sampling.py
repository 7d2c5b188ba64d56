import pytest

from spectra_local.errors import UsageError
from spectra_local.llama.context import Context
from spectra_local.llama.model import Model
from spectra_local.llama.sampling import Sampler, check
from spectra_local.protocol import Sampling


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=-1),
        Sampling(temperature=float("nan")),
        Sampling(top_p=0),
        Sampling(top_p=1.1),
        Sampling(min_p=2),
        Sampling(top_k=-1),
        Sampling(repeat_penalty=0),
        Sampling(dry_multiplier=-1),
        Sampling(seed=-1),
        Sampling(seed=1 << 32),
    ],
)
def test_settings_that_make_no_sense_are_refused(sampling: Sampling) -> None:
    with pytest.raises(UsageError):
        check(sampling)


def draws(context: Context, model: Model, sampling: Sampling, n: int = 20) -> list[int]:
    sampler = Sampler(sampling, model.n_vocab)
    tokens = [sampler.sample(context.handle, context.batch_index(), context.logits()) for _ in range(n)]
    sampler.close()
    return tokens


@pytest.mark.model
def test_the_same_seed_gives_the_same_draws(context: Context, smollm2: Model, story: list[int]) -> None:
    list(context.prefill(story))
    hot = Sampling(temperature=1.5, seed=5)
    assert draws(context, smollm2, hot) == draws(context, smollm2, hot)
    assert draws(context, smollm2, hot) != draws(context, smollm2, Sampling(temperature=1.5, seed=6))


@pytest.mark.model
def test_greedy_is_the_largest_logit_with_and_without_a_chain(
    context: Context, smollm2: Model, story: list[int]
) -> None:
    list(context.prefill(story))
    best = int(context.logits().argmax())
    assert set(draws(context, smollm2, Sampling())) == {best}
    assert set(draws(context, smollm2, Sampling(temperature=1, top_k=1))) == {best}


@pytest.mark.model
def test_the_repeat_penalty_moves_away_from_what_was_said(context: Context, smollm2: Model, story: list[int]) -> None:
    list(context.prefill(story))
    assert len(set(draws(context, smollm2, Sampling(repeat_penalty=10)))) > 10


@pytest.mark.model
def test_a_loop_is_ended_and_a_short_repetition_is_not(context: Context, smollm2: Model, story: list[int]) -> None:
    list(context.prefill(story))
    best = int(context.logits().argmax())
    drawn = draws(context, smollm2, Sampling(dry_multiplier=0.8), n=80)
    assert drawn[:32] == [best] * 32
    assert set(drawn[32:]) != {best}
