"""A home of its own for a campaign, and the model that it asks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spectra_local.catalogue import resolve

ROOT = Path(__file__).parents[2]


@contextmanager
def temporary_home(given: Path | None = None) -> Iterator[Path]:
    """SPECTRA_HOME for this process and its children, for as long as the block runs."""
    before = os.environ.get("SPECTRA_HOME")
    with tempfile.TemporaryDirectory(prefix="spectra-campaign-") as folder:
        home = given or Path(folder) / "home"
        os.environ["SPECTRA_HOME"] = str(home)
        os.environ["PYTHONPATH"] = str(ROOT)
        try:
            yield home
        finally:
            os.environ.pop("SPECTRA_HOME")
            if before is not None:
                os.environ["SPECTRA_HOME"] = before


def model_file(given: Path | None) -> Path:
    """The model to ask: the one given, else the default one as the user has it."""
    return given or resolve("smollm2-135m-instruct")
