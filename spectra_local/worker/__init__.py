"""The same engine in a process of its own, which programs of one user share: typed messages over a pipe or a socket."""

from spectra_local.worker.engine_process import EngineProcess

__all__ = ["EngineProcess"]
