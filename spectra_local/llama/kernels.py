"""The ladder of kernels: which of ggml's fast paths a process may take, from all of them down to the safest.

A compiler's mistake or a processor's oddity can make one of ggml's fast paths crash. The process that ran it is then
started again one step lower, and the step that worked is remembered for this build and this processor. Nothing here
loads native code, apart from the C library.
"""

import hashlib
import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from spectra_local.errors import UsageError
from spectra_local.kept_file import read_kept, write_kept
from spectra_local.llama import library, processor
from spectra_local.locations import cache_dir
from spectra_local.printable import printable_line

VARIABLE = "SPECTRA_KERNELS"
"""Names the step of a process; what is remembered counts where it is not set."""

_MOST_BYTES = 10_000
# A step that was left because of a crash in the middle of good work may have been left for nothing.
_DOUBTED_AFTER = 7 * 24 * 3600.0  # seconds
_SMALL_STACK = 8 << 10  # bytes: less than the frame that the kernel saves for a signal while AMX is in use
_SIGNALS = frozenset(signal.Signals.__members__)
_DAY = 24 * 3600.0  # seconds by which a clock may have been wrong

log = logging.getLogger("spectra_local.native")


@dataclass(frozen=True, slots=True)
class Kernels:
    """One step of the ladder."""

    name: str
    words: str  # "llama.cpp runs ..."
    amx: bool = True  # Intel's tile instructions
    repacked: bool = True  # weights rearranged for the processor, and the kernels for them
    _: KW_ONLY
    cautious: bool = False  # no GPU, no memory-mapped file, no flash attention, no tiled products


FASTEST = Kernels("fastest", "with all of its kernels")
WITHOUT_AMX = Kernels("without-amx", "without AMX", amx=False)
PLAIN_WEIGHTS = Kernels("plain-weights", "without repacked weights", amx=False, repacked=False)
SAFEST = Kernels("safest", "on its plainest kernels, on the CPU alone", amx=False, repacked=False, cautious=True)
_ALL = (FASTEST, WITHOUT_AMX, PLAIN_WEIGHTS, SAFEST)


def below(step: Kernels) -> Kernels | None:
    """The next step down that differs on this processor; None below the lowest."""
    lower = [other for other in _ALL[_ALL.index(step) + 1 :] if other is not WITHOUT_AMX or processor.has_amx()]
    return lower[0] if lower else None


def current() -> Kernels:
    """The step of this process: the variable's, else the remembered one, else the fastest.

    Raises UsageError where the variable names none.
    """
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return _remembered() or FASTEST
    named = next((step for step in _ALL if step.name == wanted.lower()), None)
    if named is None:
        names = ", ".join(step.name for step in _ALL)
        raise UsageError(f"{VARIABLE} is '{printable_line(wanted[:40])}'; it can be one of {names}")
    return named


def is_settled() -> bool:
    """Whether a token was decoded with ``current`` before: then it can be run without a process to catch its crash."""
    return bool(os.environ.get(VARIABLE)) or _remembered() is not None


def why() -> str:
    """Why ``current`` is what it is, for people."""
    if os.environ.get(VARIABLE):
        return f"the environment variable {VARIABLE} chooses it"
    kept = _kept()
    if kept is None:
        return ""
    day = time.strftime("%Y-%m-%d", time.localtime(kept.time))
    again = ", in the middle of an answer; they are tried again a week after that" if kept.doubted else ""
    return f"faster kernels crashed ({kept.crash}) on {day}{again}"


def remember(step: Kernels, crash: str = "", *, doubted: bool = False) -> bool:
    """Keeps ``step``, which decoded a token, for this build and processor. False where that was known.

    ``crash``: the signal that ended the step above it, which ``doubted`` had worked for a while: it is tried again
    after a week.
    """
    if _remembered() == step:
        return False
    content = {"step": step.name, "crash": crash, "doubted": doubted, "time": time.time()}
    write_kept(_file(), json.dumps(content).encode())
    return True


@dataclass(frozen=True, slots=True)
class _Kept:
    step: Kernels
    crash: str
    doubted: bool
    time: float


def _remembered() -> Kernels | None:
    kept = _kept()
    if kept is None or (kept.doubted and not 0 <= time.time() - kept.time < _DOUBTED_AFTER):
        return None
    return kept.step


def _kept() -> _Kept | None:
    text = read_kept(_file(), _MOST_BYTES)
    if text is None:
        return None
    try:
        kept = json.loads(text)
        step = next(step for step in _ALL if step.name == kept["step"])
        crash = kept["crash"] if kept["crash"] in _SIGNALS else ""
        when = float(kept["time"])
        if not 0 <= when < time.time() + _DAY:
            raise ValueError("of another time")
        return _Kept(step, crash, bool(kept["doubted"]), when)
    except (ValueError, TypeError, KeyError, RecursionError, StopIteration, OverflowError):
        log.warning("%s is damaged; kernels are tried from the fastest on", _file())
        return None


def _file() -> Path:
    facts = f"{library.fingerprint()} on {processor.identity()}"
    digest = hashlib.blake2b(facts.encode(), digest_size=8).hexdigest()
    return cache_dir() / "kernels" / f"{digest}.json"


# --- in the process that decodes ---------------------------------------------------------------------------------


_stacks = threading.local()  # the kernel goes on using them while their threads live


def refuse_amx() -> bool:
    """Makes the system refuse AMX to this process while the calling thread lives; ggml, which asks as the first model
    is loaded, then does without.

    Linux grants AMX on request, unless a thread's alternate signal stack is too small for the frame that would then be
    saved on it (``arch_prctl(ARCH_REQ_XCOMP_PERM)`` fails with ENOSPC). False where that cannot be arranged.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # here, since the processes that start others read the rest of this

    class SignalStack(ctypes.Structure):
        _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

    _stacks.small = ctypes.create_string_buffer(_SMALL_STACK)
    stack = SignalStack(ctypes.cast(_stacks.small, ctypes.c_void_p), 0, _SMALL_STACK)
    return bool(ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None) == 0)
