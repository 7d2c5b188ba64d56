"""What the history leaves in the cache folder: index segments. Forgetting removes them all."""

import shutil

from spectra_local.locations import segments_dir


def erase_traces() -> None:
    """Removes the segments of every tokenizer; they are made again from what remains."""
    shutil.rmtree(segments_dir(), ignore_errors=True)
