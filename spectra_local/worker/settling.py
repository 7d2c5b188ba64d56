"""Finds the kernels that work here before native code decodes in a process that no other one watches."""

from contextlib import closing
from pathlib import Path

from spectra_local.llama import kernels
from spectra_local.protocol import EngineOptions, Request
from spectra_local.worker.engine_process import EngineProcess

_ONE_TOKEN = Request(prompt="1, 2, 3,", max_tokens=1, speculate=False, learn=False)


def settle_kernels(model: Path) -> None:
    """Decodes one token of ``model`` in a process of its own, unless that has worked on this machine before.

    Raises SpectraError.
    """
    if kernels.is_settled():
        return
    with closing(EngineProcess(model, EngineOptions(n_ctx=256, history=False))) as engine:
        for _ in engine.load():
            pass
        for _ in engine.generate(_ONE_TOKEN):
            pass
