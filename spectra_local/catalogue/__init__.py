"""Which models there are, which are on this disk, and how to fetch one.

Knows nothing of llama.cpp. Only ``download.pull`` opens a connection.
"""

from spectra_local.catalogue.entries import DEFAULT_MODEL
from spectra_local.catalogue.lookup import ModelNotPulledError, resolve

__all__ = ["DEFAULT_MODEL", "ModelNotPulledError", "resolve"]
