"""What drafting keeps on disk of text: CORE's statistics and those of corpora. Forgetting erases them."""

from spectra_local.locations import cache_dir

CORE_FILE = "core.bin"  # name of CORE's statistics in a model's folder; they hold n-grams, so they are text
CALIBRATION_FILE = "calibration.json"
CORPORA = "core.corpora-"  # begins the names of those of corpora


def erase_traces(*, measurements: bool = False) -> None:
    """Removes the statistics of every model; they are made again from what remains. ``measurements``: also how often
    which kind of guess came true, which holds no text but is about what was written."""
    names = (CORE_FILE, f"{CORPORA}*", *([CALIBRATION_FILE] if measurements else []))
    for name in names:
        for suffix in ("", ".*"):  # while it is being written
            for path in (cache_dir() / "speculation").glob(f"*/{name}{suffix}"):
                path.unlink(missing_ok=True)
