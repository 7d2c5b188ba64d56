"""A number that was measured once for a model on a device, kept between runs. A damaged file is measured anew."""

import hashlib
import json
import logging
from collections.abc import Callable, Collection

from spectra_local.kept_file import read_kept, write_kept
from spectra_local.locations import cache_dir

_MOST_BYTES = 10_000

log = logging.getLogger("spectra_local.engine")


def measured_once(
    name: str, identity: str, device: str, measure: Callable[[], int | None], answers: Collection[int]
) -> int | None:
    """What ``measure`` returned here before, else what it returns now; None, not possible now, is not kept.

    ``identity`` names weights and quantisation, ``device`` all else that decides, ``answers`` are all there can be.
    """
    digest = hashlib.blake2b(f"{identity} on {device}".encode(), digest_size=8).hexdigest()
    path = cache_dir() / name / f"{digest}.json"
    text = read_kept(path, _MOST_BYTES)
    if text is not None:
        try:
            if type(kept := json.loads(text)["value"]) is int and kept in answers:
                return kept
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
        log.warning("%s is damaged; measuring again", path)
    value = measure()
    if value is not None:
        write_kept(path, json.dumps({"device": device, "value": value}).encode())
    return value
