"""What samples amount to: for each pass and method the ratio to its baseline, counts, drafting times, differences."""

from collections.abc import Mapping, Sequence
from typing import Any

from spectra_local.bench.llama_server import BASELINE
from spectra_local.bench.methods import PLAIN
from spectra_local.bench.ratios import Interval, Pair, Sample, first_difference, mean_interval, ratio_interval, spread
from spectra_local.bench.tables import aligned, percentile

_STEADY = 0.1  # spread of plain decoding's speeds from which a run is called unsteady; 0.3 and more was seen


def report(samples: Sequence[Sample]) -> dict[str, Any]:
    """One pass, by method."""
    by_method: dict[str, list[Sample]] = {}
    for sample in samples:
        by_method.setdefault(sample.method, []).append(sample)
    return {method: _method(by_method[method], by_method[baseline_of(method)]) for method in by_method}


def baseline_of(method: str) -> str:
    """What a method is compared with: plain decoding in the same program."""
    return BASELINE if method.startswith("server ") else PLAIN


def _method(samples: Sequence[Sample], plain: Sequence[Sample]) -> dict[str, Any]:
    plain_of = {sample.prompt: sample for sample in plain}
    tasks: dict[str, list[Pair]] = {}
    for sample in samples:
        tasks.setdefault(sample.task, []).append((sample, plain_of[sample.prompt]))
    drafting = [seconds for sample in samples for seconds in sample.draft_seconds]
    differences = [d for s in samples if (d := first_difference(s, plain_of[s.prompt]))]
    return {
        "baseline": baseline_of(samples[0].method),
        "tokens_per_second": sum(s.n_timed for s in samples) / max(sum(s.seconds for s in samples), 1e-9),
        "spread": round(spread(samples), 4),
        "ratio": {
            "mean": _interval(mean_interval([tasks[name] for name in sorted(tasks)])),
            "tasks": {name: _interval(ratio_interval(tasks[name])) for name in sorted(tasks)},
        },
        "tokens_per_step": sum(s.n_timed for s in samples) / max(1, sum(s.steps for s in samples)),
        "draft_n": sum(s.draft_n for s in samples),
        "draft_n_accepted": sum(s.draft_n_accepted for s in samples),
        "draft_ms": {"median": 1000 * percentile(drafting, 0.5), "p99": 1000 * percentile(drafting, 0.99)},
        "n_prompts": len(samples),
        "differences": [d._asdict() for d in differences],
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {key: round(value, 4) for key, value in interval._asdict().items()}


def live_table(passes: Sequence[Mapping[str, Any]]) -> str:
    """For each pass the ratios by task and method, then the counts by method."""
    blocks = []
    for number, results in enumerate(passes, 1):
        heading = f"pass {number}, ratio to plain (95 %)" if len(passes) > 1 else "ratio to plain (95 %)"
        compared = {name: result["ratio"] for name, result in results.items() if result["baseline"] != name}
        rows = [["mean of tasks", *(_ratio(ratio["mean"]) for ratio in compared.values())]]
        for task in next(iter(results.values()))["ratio"]["tasks"]:
            rows.append([task, *(_ratio(ratio["tasks"][task]) for ratio in compared.values())])
        blocks.append(aligned([heading, *compared], rows))
        counts = [_counts(result) for result in results.values()]
        blocks.append(aligned(["", *results], [list(row) for row in zip(_COUNTS, *counts, strict=True)]))
    return "\n\n".join(blocks)


def live_notes(passes: Sequence[Mapping[str, Any]], decode_cost: Sequence[float]) -> str:
    """What to hold the ratios against: the most that guessing can reach by ``decode_cost`` (of 1, 2, ... tokens in a
    pass, relative to 1), and how steady the machine was."""
    notes = []
    if decode_cost:
        most, width = max((width / cost, width) for width, cost in enumerate(decode_cost, 1))
        notes.append(
            f"Guesses that always come true would reach {most:.2f} here: {width} tokens in a pass cost "
            f"{decode_cost[width - 1]:.1f} of one."
        )
    if (unsteady := max(results[PLAIN]["spread"] for results in passes)) > _STEADY:
        notes.append(
            f"The machine was unsteady: plain decoding's speeds differ by {unsteady:.0%} over the middle half of the "
            "prompts. Ratios are no surer than their intervals; measure again when nothing else runs."
        )
    return "\n".join(notes)


_COUNTS = (
    "tokens/s",
    "tokens/step",
    "draft_n",
    "accepted",
    "draft ms a step",
    "p99",
    "answers that differ",
    "widest margin there",
)


def _counts(result: Mapping[str, Any]) -> list[str]:
    drafting, differences = result["draft_ms"], result["differences"]
    margins = [d["margin"] for d in differences if d["margin"] is not None]
    return [
        f"{result['tokens_per_second']:.2f}",
        f"{result['tokens_per_step']:.2f}",
        str(result["draft_n"]),
        str(result["draft_n_accepted"]),
        f"{drafting['median']:.3f}" if drafting["p99"] else "-",
        f"{drafting['p99']:.3f}" if drafting["p99"] else "-",
        f"{len(differences)} of {result['n_prompts']}",
        f"{max(margins):.3f}" if margins else "-",
    ]


def _ratio(interval: Mapping[str, float]) -> str:
    value, low, high = (f"{interval[key]:.2f}" for key in ("value", "low", "high"))
    return f"{value} ({low}-{high})" if low != high else value  # of one prompt nothing is known of the others
