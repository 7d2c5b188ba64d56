"""Replays recorded runs through drafters: what speculation would bring under a given cost curve, deterministically.

Needs no model. Each recorded answer is fixed; a drafter guesses at every position, and the guessed path that equals
the recorded answer is accepted. Tokens per unit cost is the speed relative to plain decoding.
"""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from math import exp
from pathlib import Path
from time import thread_time_ns
from typing import Any

from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.interface import Drafter, TopK

MARGIN = 0.01  # tokens whose probability is below this share of the best one's are no part of a top-k
LEAST_TOKENS = 20  # shorter answers do not count as the worst prompt


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded greedy answer: token ids, and the model's best tokens at each position of it."""

    task: str
    prompt: list[int]
    generated: list[int]
    top: list[tuple[list[int], list[float]]]
    _: KW_ONLY
    is_cut: bool = False  # whether it ended at a limit of tokens and not by itself


def read_trace(path: Path) -> list[Run]:
    """Reads a trace of JSON lines, gzipped."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        runs = [_run(json.loads(line)) for line in lines]
    ends = end_tokens(runs)
    return [replace(run, is_cut=bool(run.generated) and run.generated[-1] not in ends) for run in runs]


def _run(row: dict[str, Any]) -> Run:
    top = []
    for ids, logs in zip(row["top_ids"], row["top_logprobs"], strict=True):
        weights = [exp(x) for x in logs]
        kept = [w for w in weights if w > MARGIN * weights[0]]
        total = sum(kept)
        top.append((ids[: len(kept)], [w / total for w in kept]))
    return Run(row["task"], row["prompt"], row["generated"], top)


def end_tokens(runs: Sequence[Run]) -> frozenset[int]:
    """Tokens that end two recorded answers or more and occur nowhere else in them.

    A live model knows these from its vocabulary; an answer cut off at its limit ends in any token, seldom twice.
    """
    last = Counter(run.generated[-1] for run in runs if run.generated)
    inside = {token for run in runs for token in run.generated[:-1]}
    return frozenset(token for token, count in last.items() if count > 1 and token not in inside)


@dataclass(slots=True)
class Outcome:
    """One replayed answer."""

    task: str
    tokens: int
    cost: float = 0.0
    steps: int = 0


def replay_run(
    run: Run, drafter: Drafter, cost: CostCurve, clock: list[int] | None = None, *, first_is_free: bool = False
) -> Outcome:
    """Replays one answer. ``clock`` collects the nanoseconds that drafting and learning took in each step.

    Where a limit cut the answer, nothing is drafted beyond it: a live decoder knows the limit it was given.
    ``first_is_free``: the first token comes without a draft, as after a prompt that had to be read.
    """
    outcome = Outcome(run.task, len(run.generated))
    widest = cost.max_width - 1
    drafter.begin(run.prompt)
    done = 0
    while done < len(run.generated):
        left = len(run.generated) - done
        budget = min(widest, left - 1) if run.is_cut else widest
        start = thread_time_ns()
        tree = drafter.propose(budget)
        drafting = thread_time_ns() - start
        if first_is_free and done == 0:
            tree.size = 0
        path = tree.accepted_nodes(run.generated[done:])
        accepted = run.generated[done : done + len(path) + 1]
        top = [TopK(*run.top[done + i]) for i in range(len(accepted))]
        start = thread_time_ns()
        drafter.learn(accepted, top)
        if clock is not None:
            clock.append(drafting + thread_time_ns() - start)
        outcome.cost += cost.relative[1 + tree.size]
        outcome.steps += 1
        done += len(accepted)
    drafter.end()
    return outcome


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Tokens per unit cost over all, by task and of the worst prompt, and tokens per step."""
    tasks = {name: [o for o in outcomes if o.task == name] for name in sorted({o.task for o in outcomes})}
    counted = [o.tokens / o.cost for o in outcomes if o.tokens >= LEAST_TOKENS]
    return {
        "all": _speed(outcomes),
        "worst": min(counted, default=1.0),
        "tasks": {name: _speed(group) for name, group in tasks.items()},
        "tokens_per_step": sum(o.tokens for o in outcomes) / sum(o.steps for o in outcomes),
    }


def _speed(outcomes: Sequence[Outcome]) -> float:
    return sum(o.tokens for o in outcomes) / sum(o.cost for o in outcomes)
