"""How a model is loaded where nothing is said of it. Apart from options.py: the chat opens without click."""

from spectra_local.protocol import EngineOptions

ENGINE_OPTIONS = EngineOptions(share=True)
