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
        Sampling(top_p=-0.1),
        Sampling(frequency_penalty=101),
        Sampling(presence_penalty=-101),
        Sampling(logit_bias=((1, 101.0),)),
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


@pytest.mark.model
def test_top_p_0_is_the_likeliest_alone(context: Context, smollm2: Model, story: list[int]) -> None:
    list(context.prefill(story))
    assert set(draws(context, smollm2, Sampling(temperature=2, top_p=0))) == {int(context.logits().argmax())}


@pytest.mark.model
@pytest.mark.parametrize("kind", ["frequency_penalty", "presence_penalty"])
def test_penalties_hold_back_what_the_answer_holds(
    context: Context, smollm2: Model, story: list[int], kind: str
) -> None:
    list(context.prefill(story))
    assert len(set(draws(context, smollm2, Sampling(**{kind: 100})))) == 20


@pytest.mark.model
def test_a_bias_forbids_a_token_or_forces_it(context: Context, smollm2: Model, story: list[int]) -> None:
    list(context.prefill(story))
    best, worst = int(context.logits().argmax()), int(context.logits().argmin())
    assert best not in draws(context, smollm2, Sampling(logit_bias=((best, -100.0),)))
    assert set(draws(context, smollm2, Sampling(logit_bias=((worst, 100.0),)))) == {worst}
    with pytest.raises(UsageError, match="tokens 0 to"):
        Sampler(Sampling(logit_bias=((smollm2.n_vocab, 1.0),)), smollm2.n_vocab)
