"""Asks every prompt of every method in turn, so that whatever drifts on the machine hits all alike.

Knows neither engines nor clocks: methods are names with a function that answers.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from spectra_local.bench.live import Question
from spectra_local.bench.ratios import Sample


class Contestants(Protocol):
    """Methods that can be asked."""

    names: list[str]

    def run(self, method: str, question: Question) -> Sample:
        """Answers the question once by that method."""
        ...

    def remember(self, samples: Sequence[Sample], question: Question) -> None:
        """Lets the methods that keep earlier texts learn what was asked and answered."""
        ...


def run_contest(
    contestants: Sequence[Contestants],
    questions: Sequence[Question],
    n_passes: int,
    *,
    growing: bool,
    on_progress: Callable[[int, int, str, str], None] = lambda done, total, method, prompt: None,
) -> list[list[Sample]]:
    """Samples of each pass. The order of methods moves on by one with every prompt.

    ``growing``: in the first pass methods remember a prompt once all have answered it; else when the pass ends.
    Ctrl+c ends it: what was answered by all methods until then is kept, and the last pass is shorter.
    """
    field = [(name, group) for group in contestants for name in group.names]
    total, done = n_passes * len(questions) * len(field), 0
    passes: list[list[Sample]] = []
    samples: list[Sample]
    try:
        for number in range(n_passes):
            passes.append(samples := [])
            asked: list[tuple[Question, list[Sample]]] = []
            for i, question in enumerate(questions):
                first = (i + number) % len(field)
                answers = []
                for name, group in field[first:] + field[:first]:
                    on_progress(done, total, name, question.prompt.id)
                    answers.append(group.run(name, question))
                    done += 1
                samples += answers
                asked.append((question, answers))
                if number == 0 and growing:
                    _remember(contestants, asked[-1:])
            if number == 0 and not growing:
                _remember(contestants, asked)
    except KeyboardInterrupt:
        passes = [samples for samples in passes if samples]
        if not passes:
            raise
    return passes


def _remember(contestants: Sequence[Contestants], asked: Sequence[tuple[Question, list[Sample]]]) -> None:
    for group in contestants:
        for question, answers in asked:
            group.remember([a for a in answers if a.method in group.names], question)
