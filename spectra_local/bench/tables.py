"""Results as aligned columns of text for a terminal. Knows nothing of how they were measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from spectra_local.printable import printable_line


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right."""
    cells = [[printable_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        first, *others = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join((first, *others)).rstrip())
    return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def replay_table(curve: str, passes: Sequence[Mapping[str, Any]], clocks: Mapping[str, Sequence[int]]) -> str:
    """One block a pass: tokens per unit cost, plain decoding being 1.00, by method and task."""
    blocks = []
    for number, results in enumerate(passes, 1):
        tasks = list(next(iter(results.values()))["tasks"])
        header = [f"pass {number}, {curve}", "all", "worst", *tasks, "tokens/step"]
        rows = [
            [name, *(f"{x:.2f}" for x in (r["all"], r["worst"], *(r["tasks"][t] for t in tasks), r["tokens_per_step"]))]
            for name, r in results.items()
        ]
        blocks.append(aligned(header, rows))
    drafting = [
        [name, f"{percentile(clock, 0.5) / 1e6:.3f}", f"{percentile(clock, 0.99) / 1e6:.3f}"]
        for name, clock in clocks.items()
    ]
    blocks.append(aligned(["drafting and learning, ms a step", "median", "p99"], drafting))
    return "\n\n".join(blocks)
