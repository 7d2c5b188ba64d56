"""Answers that go round in circles: small models, decoded greedily, repeat one passage to the end of the context."""

from dataclasses import replace

from spectra_local.speculation.decoder import Step

_LONGEST = 128  # tokens of a passage
_LEAST_TIMES, _LEAST_TOKENS = 4, 256  # of it, before it counts as a loop: rows of a table may be alike too
_EVERY = 32  # tokens between two looks, wherever the passes end: guessing ahead must not change where an answer ends


class LoopEnd:
    """Finds the end of an answer that says the same over and over; it is shown each step before that is."""

    def __init__(self) -> None:
        self._tokens: list[int] = []

    def cut(self, step: Step) -> tuple[Step, bool]:
        """The step up to the token at which the loop is plain, and whether it is."""
        before = len(self._tokens)
        self._tokens += step.tokens
        for end in range(before - before % _EVERY + _EVERY, len(self._tokens) + 1, _EVERY):
            if goes_round(self._tokens[max(0, end - _LEAST_TIMES * _LONGEST) : end]):
                n = end - before
                return replace(step, tokens=step.tokens[:n], sources=step.sources[:n], logprobs=step.logprobs[:n]), True
        return step, False


def goes_round(tokens: list[int]) -> bool:
    """Whether the end of ``tokens`` is one passage again and again."""
    for period in range(1, _LONGEST + 1):
        n = max(_LEAST_TOKENS, _LEAST_TIMES * period)
        if n > len(tokens):
            return False
        if tokens[-1] == tokens[-1 - period] and tokens[-n:-period] == tokens[period - n :]:
            return True
    return False
