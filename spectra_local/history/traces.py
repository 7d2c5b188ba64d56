"""What the history leaves in the cache folder: index segments and CORE's statistics. Forgetting removes them all."""

import shutil

from spectra_local.locations import cache_dir, segments_dir

CORE_FILE = "core.bin"  # name of CORE's statistics in a model's folder; they hold n-grams, so they are text


def erase_traces(*, measurements: bool = False) -> None:
    """Removes segments and statistics of every model; both are made again from what remains. ``measurements``: also
    how often which kind of guess came true, which holds no text but is about what was written."""
    shutil.rmtree(segments_dir(), ignore_errors=True)
    for pattern in ("core.*", "calibration.*") if measurements else ("core.*",):
        for path in (cache_dir() / "speculation").glob(f"*/{pattern}"):
            path.unlink(missing_ok=True)
