"""What each kind of attention costs here: ``python -m spectra_local.bench.attention MODEL.gguf``.

The time of a pass without llama.cpp's flash attention as a share of the time with it, by the tokens before it and its
width. The program chooses between the two at a model's first load by one of these figures (llama/attention.py).
"""

import sys
from contextlib import closing
from pathlib import Path

from spectra_local.llama import native
from spectra_local.llama.attention import NEVER, fill, ratio, seconds
from spectra_local.llama.context import Context
from spectra_local.llama.model import Model

_TOKENS_BEFORE = (256, 1024, 2048, 4096)
_WIDTHS = (1, 2, 4, 8, 16, 64)
_ROOM = 4096 + 1024


def main(path: Path) -> None:
    """Prints a row for each length of context."""
    model, abort, n_threads = Model(path), native.AbortFlag(), native.default_threads()
    n_ctx = min(_ROOM, model.n_ctx_train)
    with (
        closing(model),
        closing(Context(model, abort, n_ctx=n_ctx, n_threads=n_threads)) as flash,
        closing(Context(model, abort, n_ctx=n_ctx, n_threads=n_threads, flash_cells=NEVER)) as plain,
    ):
        print("tokens before", *(f"{width:>6d}" for width in _WIDTHS), "   1 token, flash and plain")
        for n in _TOKENS_BEFORE:
            if n + sum(_WIDTHS) < n_ctx and fill(flash, n) and fill(plain, n):
                shares = [ratio(plain, flash, width) for width in _WIDTHS]
                ones = [1000 * min(seconds(context) for _ in range(5)) for context in (flash, plain)]
                row = " ".join(f"{share:6.2f}" for share in shares)
                print(f"{n:13d} {row}    {ones[0]:.1f} ms, {ones[1]:.1f} ms", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser()) if len(sys.argv) == 2 else sys.exit(__doc__)
