"""Which models there are, which are on this disk, and how to fetch one.

Knows nothing of llama.cpp. Only ``download.pull`` opens a connection.
"""

from spectra_local.catalogue.default import resolve
from spectra_local.catalogue.lookup import ModelNotPulledError
from spectra_local.catalogue.offers import NoModelError

__all__ = ["ModelNotPulledError", "NoModelError", "resolve"]
