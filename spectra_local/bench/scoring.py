"""What scoring a corpus costs beyond reading it: ``python -m spectra_local.bench.scoring MODEL.gguf TEXT...``

Pieces of the texts are scored and read as a prompt in turn, so that a busy machine slows both. Prints tokens a second
of each, their ratio, and how much memory the process took at most after a tenth of the pieces and after all.
"""

import json
import resource
import sys
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import click

from spectra_local.errors import SpectraError
from spectra_local.llama import native
from spectra_local.llama.context import Context
from spectra_local.llama.likelihood import Likelihood
from spectra_local.llama.model import Model
from spectra_local.llama.prefill_pieces import PREFILL_BATCH


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("texts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--pieces", type=click.IntRange(2), default=20, show_default=True, help="Of 512 tokens.")
def main(model: Path, texts: tuple[Path, ...], pieces: int) -> None:
    """Measure, and print one JSON object."""
    native.start()
    with closing(Model(model)) as loaded:
        tokens = loaded.tokenize("\n".join(path.read_text("utf-8", "replace") for path in texts))
        click.echo(json.dumps({"model": model.name, **_figures(loaded, tokens, pieces)}))


def _figures(model: Model, tokens: list[int], n: int) -> dict[str, float]:
    abort, n_threads = native.AbortFlag(), native.default_threads()
    reading = Context(model, abort, n_ctx=PREFILL_BATCH, n_threads=n_threads)
    with closing(reading), closing(Likelihood(model, abort, n_threads)) as scoring:
        size = scoring.most_tokens
        pieces = [tokens[at : at + size] for at in range(0, len(tokens) - size, size)][:n]
        scored, read, memory = [], [], []
        for piece in pieces:
            started = time.perf_counter()
            scoring.of([piece])
            scored.append(time.perf_counter() - started)
            reading.clear()
            started = time.perf_counter()
            for _ in reading.prefill(piece):
                pass
            reading.logits()  # waits for what a GPU still does
            read.append(time.perf_counter() - started)
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    ratios = [a / b for a, b in zip(read, scored, strict=True)]
    return {
        "pieces": len(pieces),
        "scoring_per_second": round(size / median(scored), 1),
        "prefill_per_second": round(size / median(read), 1),
        "scoring_over_prefill": round(median(ratios), 3),
        "memory_mb_after_a_tenth": round(memory[len(memory) // 10]),
        "memory_mb_after_all": round(memory[-1]),
    }


if __name__ == "__main__":
    try:
        main()
    except SpectraError as error:
        sys.exit(f"scoring: {error}")
