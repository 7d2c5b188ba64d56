"""A number that was measured once for a model on a device, kept between runs. A damaged file is measured anew."""

import hashlib
import json
import logging
from collections.abc import Callable

from spectra_local.locations import cache_dir
from spectra_local.private_file import write_private

_MOST_BYTES = 10_000  # a larger file is not ours

log = logging.getLogger("spectra_local.engine")


def measured_once(name: str, identity: str, device: str, measure: Callable[[], int]) -> int:
    """What ``measure`` returned here before, else what it returns now.

    ``identity`` names weights and quantisation, ``device`` all else that decides. A full or read-only disk is one log
    line.
    """
    digest = hashlib.blake2b(f"{identity} on {device}".encode(), digest_size=8).hexdigest()
    path = cache_dir() / name / f"{digest}.json"
    try:
        if path.stat().st_size <= _MOST_BYTES and type(kept := json.loads(path.read_text("utf-8"))["value"]) is int:
            return kept
        log.warning("%s is damaged; measuring again", path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        log.warning("%s is damaged or cannot be read (%s); measuring again", path, error)
    value = measure()
    try:
        write_private(path, json.dumps({"device": device, "value": value}).encode())
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error)
    return value
