"""Down the ladder of kernels: what follows a crash of the engine's process, and what is said of it, once.

Knows processes by how they ended. The ladder itself is in llama/kernels.py.
"""

import signal

from spectra_local.errors import WorkerError
from spectra_local.llama import kernels, library, processor
from spectra_local.locations import log_file
from spectra_local.printable import printable_line
from spectra_local.worker.connection import EngineEndedError

CRASHES = frozenset({signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGFPE})
"""How native code ends that took a path it should not have taken."""


class Descent:
    """How far down one program's engine has come. ``step`` is what to start its process with."""

    def __init__(self) -> None:
        self.step = kernels.current()
        self._left: kernels.Kernels | None = None  # the step that crashed
        self._crash: EngineEndedError | None = None
        self._doubted = False

    def after(self, crash: EngineEndedError, *, had_decoded: bool) -> None:
        """Goes one step down. ``had_decoded``: the process had decoded tokens before it crashed.

        Raises WorkerError where no step is left, or none could help.
        """
        assert crash.signal in CRASHES
        lacking = library.lacking(crash.build, processor.instructions()) if crash.signal == signal.SIGILL else []
        lower = kernels.below(self.step)
        if lower is None or lacking:
            raise WorkerError(_hopeless(crash, lacking)) from crash
        self._left = self._left or self.step
        self._crash, self._doubted = crash, had_decoded
        self.step = lower

    def worked(self) -> str:
        """A process with ``step`` has decoded. Remembers it; returns what is to be said of it, "" for nothing."""
        left, self._left = self._left, None
        if left is None:
            if not kernels.is_settled():
                kernels.remember(self.step)
            return ""
        assert self._crash and self._crash.signal
        if not kernels.remember(self.step, self._crash.signal.name, doubted=self._doubted):
            return ""
        return (
            f"llama.cpp crashed ({self._crash.signal.name}) when it ran {left.words}. It now runs {self.step.words}, "
            "which is safer and slower; 'spectra-chat doctor' shows how to build a llama.cpp that does not crash."
        )


def _hopeless(crash: EngineEndedError, lacking: list[str]) -> str:
    assert crash.signal
    rebuild = f"Build it for this one: {library.better_build()}"
    if lacking:
        return (
            f"llama.cpp was built for another processor: it needs {', '.join(lacking)}, and "
            f"{printable_line(processor.name())} has no such instructions. {rebuild}"
        )
    if crash.signal == signal.SIGILL:
        return (
            "llama.cpp stopped at an instruction that this processor does not know (SIGILL): it was probably built "
            f"for another. {rebuild}"
        )
    return (
        f"llama.cpp crashes on this model ({crash.signal.name}), even on its plainest kernels: the file may be "
        "damaged, or llama.cpp built wrongly. Try another model to find out which. To rebuild llama.cpp: "
        f"{library.better_build()}. The log has the details: {log_file()}"
    )
