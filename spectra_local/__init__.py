"""spectra-chat without a screen: a local GGUF model, in-process, that guesses ahead and learns.

The names below are the public API. They are imported on first use, so that ``import spectra_local`` stays
instant and loads neither llama_cpp nor textual.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from spectra_local.engine import Engine
    from spectra_local.errors import SpectraError
    from spectra_local.protocol import (
        Done,
        EngineOptions,
        Event,
        ExtraFile,
        FillIn,
        Message,
        ModelInfo,
        Request,
        Sampling,
        Text,
    )
    from spectra_local.worker import EngineProcess

_HOME = {
    "Engine": "engine",
    "EngineProcess": "worker",
    "SpectraError": "errors",
    "Done": "protocol",
    "EngineOptions": "protocol",
    "Event": "protocol",
    "ExtraFile": "protocol",
    "FillIn": "protocol",
    "Message": "protocol",
    "ModelInfo": "protocol",
    "Request": "protocol",
    "Sampling": "protocol",
    "Text": "protocol",
}

__all__ = [
    "Done",
    "Engine",
    "EngineOptions",
    "EngineProcess",
    "Event",
    "ExtraFile",
    "FillIn",
    "Message",
    "ModelInfo",
    "Request",
    "Sampling",
    "SpectraError",
    "Text",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"spectra_local.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spectra_local' has no attribute {name!r}")
