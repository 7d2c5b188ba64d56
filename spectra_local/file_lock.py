"""The lock of a file, held until the file is closed or its process ends. Some network folders have none."""

import errno
import fcntl
import time
from typing import Literal

State = Literal["ours", "taken", "none"]

_TAKEN = frozenset({errno.EAGAIN, errno.EACCES})  # the second where a network folder stands in for flock
_LOOK_SECONDS = 0.02


def take_lock(descriptor: int, within_s: float = 0.0) -> State:
    """``"taken"``: another program holds it all the time. ``"none"``: this folder has no locks, and nobody can tell."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "ours"
        except OSError as error:
            if error.errno not in _TAKEN:
                return "none"
        if time.monotonic() >= deadline:
            return "taken"
        time.sleep(_LOOK_SECONDS)
