"""Speeds of methods against plain decoding, with confidence intervals. Knows samples, not how they were taken."""

import random
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from statistics import fmean, quantiles
from typing import NamedTuple

_RESAMPLES = 2000
_CONFIDENCE = 0.95
_SEED = 20_250  # the same samples give the same interval


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt answered once by one method.

    ``n_timed`` tokens took ``seconds``, drafting included and prefill not; where the first token came from the
    prefill's logits it is not among them.
    """

    prompt: str
    task: str
    method: str
    tokens: list[int]
    _: KW_ONLY
    n_timed: int
    seconds: float
    steps: int
    draft_n: int = 0
    draft_n_accepted: int = 0
    draft_seconds: list[float] = field(default_factory=list)  # drafting and learning, a step
    margins: list[float] = field(default_factory=list)  # best logit less the second, a token; of plain decoding only

    @property
    def per_second(self) -> float:
        """Timed tokens per second; 0 where none were timed."""
        return self.n_timed / self.seconds if self.seconds > 0 else 0.0


def spread(samples: Sequence[Sample]) -> float:
    """The middle half of the prompts' tokens per second, as a share of their median: 0.02 on a quiet machine.

    0 with fewer than four samples.
    """
    if len(samples) < 4:
        return 0.0
    low, middle, high = quantiles((sample.per_second for sample in samples), n=4)
    return (high - low) / middle if middle else 0.0


class Interval(NamedTuple):
    """A value and the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float


Pair = tuple[Sample, Sample]  # of a method, and of plain decoding on the same prompt


def ratio(pairs: Sequence[Pair]) -> float:
    """Tokens per second over those of plain decoding, all prompts together."""
    ours = sum(a.n_timed for a, _ in pairs) / max(sum(a.seconds for a, _ in pairs), 1e-9)
    plain = sum(b.n_timed for _, b in pairs) / max(sum(b.seconds for _, b in pairs), 1e-9)
    return ours / plain if plain else 0.0


def ratio_interval(pairs: Sequence[Pair]) -> Interval:
    """The ratio, with an interval from resampling the prompts (percentile bootstrap)."""
    return _bootstrap([pairs], lambda groups: ratio(groups[0]))


def mean_interval(groups: Sequence[Sequence[Pair]]) -> Interval:
    """The mean of the groups' ratios, each counting the same; prompts are resampled within their group."""
    return _bootstrap(groups, lambda resampled: fmean(ratio(pairs) for pairs in resampled))


def _bootstrap(groups: Sequence[Sequence[Pair]], statistic: Callable[[Sequence[Sequence[Pair]]], float]) -> Interval:
    dice = random.Random(_SEED)  # noqa: S311 - resampling keeps no secret
    values = sorted(statistic([dice.choices(group, k=len(group)) for group in groups]) for _ in range(_RESAMPLES))
    tail = (1 - _CONFIDENCE) / 2
    return Interval(statistic(groups), values[int(tail * _RESAMPLES)], values[int((1 - tail) * _RESAMPLES) - 1])


class Difference(NamedTuple):
    """Where an answer first differs from plain decoding's, and how near the tie was there."""

    prompt: str
    position: int
    margin: float | None  # in plain decoding's logits, best less second; None where it was not recorded


def first_difference(sample: Sample, plain: Sample) -> Difference | None:
    """None where one answer is the other, or begins it and both ended at the limit or the end."""
    for position, (token, expected) in enumerate(zip(sample.tokens, plain.tokens, strict=False)):
        if token != expected:
            return Difference(sample.prompt, position, _margin(plain, position))
    if len(sample.tokens) == len(plain.tokens):
        return None
    position = min(len(sample.tokens), len(plain.tokens))
    return Difference(sample.prompt, position, _margin(plain, position))


def _margin(plain: Sample, position: int) -> float | None:
    return plain.margins[position] if position < len(plain.margins) else None
