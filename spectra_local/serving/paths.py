"""Paths as people write them. Clients put ``/v1`` before what their user typed, or do not, and join with any slash."""

import re

_SLASHES = re.compile("/+")
_VERSION = re.compile("^(?:/v1(?=/|$))+")


def canonical(path: str) -> str:
    """``path`` without ``/v1`` before it, doubled slashes and a slash at its end: ``/v1//models/`` is ``/models``."""
    return _VERSION.sub("", _SLASHES.sub("/", f"/{path}").rstrip("/")) or "/"
