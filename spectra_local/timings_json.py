"""An answer's counts and times as JSON, for the command line and the servers alike."""

import dataclasses

from spectra_local.protocol import Timings


def timings_json(timings: Timings) -> dict[str, object]:
    """Counts and times under llama.cpp's names, speeds included."""
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in dataclasses.asdict(timings).items()}
    return {
        **rounded,
        "prompt_per_second": round(timings.prompt_per_second, 2),
        "predicted_per_second": round(timings.predicted_per_second, 2),
    }
