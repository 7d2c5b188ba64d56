"""llama.cpp's native library: set-up, its messages into our log, a flag that stops it, the devices it runs on.

Import this module, never ``llama_cpp`` itself: importing that package installs a logger that writes to stderr, and
native assertions start a debugger in the user's terminal unless told not to.
"""

import ctypes
import ctypes.util
import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakSet

# Read by ggml when it first asserts; gdb would otherwise attach and write over the screen.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")
# Read by libgomp when it loads. Its threads otherwise spin for milliseconds at each of a decode's ~900 barriers, also
# for one that another program keeps off its core: beside one busy process, 2 tokens/s instead of 18, measured on 2
# cores with SmolLM2-135M; on a quiet machine no difference was seen.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import llama_cpp
from llama_cpp import llama_cpp as lib

from spectra_local.llama import kernels, library

__all__ = [
    "AbortFlag",
    "build",
    "can_offload",
    "default_threads",
    "gpu_names",
    "lib",
    "prepare_exact",
    "record_to",
    "start",
    "step",
    "system_info",
]

log = logging.getLogger("spectra_local.native")

log.addHandler(logging.NullHandler())  # without it, warnings would reach stderr where nobody set logging up

# ggml's levels (ggml.h); 5 goes on with the line before it, a row of dots. What llama.cpp calls information is some 200
# lines a load.
_DEBUG = 1
_LEVELS = {_DEBUG: logging.DEBUG, 2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}


_flags: "WeakSet[AbortFlag]" = WeakSet()
_record: Callable[[bytes], object] = lambda line: None  # noqa: E731


def record_to(record: Callable[[bytes], object]) -> None:
    """Gives what llama.cpp says, information included, to ``record`` too: should it crash, its last words tell why."""
    global _record
    _record = record


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _user_data: Any) -> None:
    if level != _DEBUG:
        _record(text)
    wanted = _LEVELS.get(level)
    if wanted and any(flag.is_set() for flag in _flags):
        wanted = logging.DEBUG  # a decode that was told to stop says in four lines, as errors, that it did
    if wanted and log.isEnabledFor(wanted):
        log.log(wanted, "%s", text.decode("utf-8", "replace").rstrip())


def prepare_exact() -> None:
    """Must come before the first decode of the process: tiled CPU products round differently at different widths."""
    os.environ["GGML_CPU_TILED_MM"] = "0"


@cache
def step() -> kernels.Kernels:
    """Which of ggml's fast paths this process takes: decided once, before the first is taken."""
    return kernels.current()


def start() -> None:
    """Initialises the backends once and routes every native message to the log. Before a model is loaded, in the same
    thread."""
    if not step().amx and not kernels.refuse_amx():
        log.info("AMX cannot be refused here; nothing else is asked of the system")
    _initialise()


@cache
def _initialise() -> None:
    if step().cautious:
        prepare_exact()
    lib.llama_log_set(_log, ctypes.c_void_p(0))
    lib.llama_backend_init()


def build() -> str:
    """The library and the kernels in use: what was measured with others does not hold."""
    return f"llama-cpp-python {llama_cpp.__version__} {library.fingerprint()}, kernels {step().name}"


class AbortFlag:
    """A flag that native code polls without the GIL: raising it ends the running ``llama_decode`` with code 2.

    ggml calls the callback once per graph node; a Python function would take the GIL each time. ``strlen`` of a
    two-byte buffer does the same in nanoseconds: "" is 0 (go on), "\\x01" is 1 (stop).
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        strlen = ctypes.CDLL(None).strlen if os.name == "posix" else ctypes.cdll.msvcrt.strlen
        self.callback = lib.ggml_abort_callback(ctypes.cast(strlen, ctypes.c_void_p).value)
        self.data = ctypes.cast(self._buffer, ctypes.c_void_p)
        _flags.add(self)

    def set(self) -> None:
        """Asks native code to stop; safe from any thread."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Lets native code run again."""
        self._buffer[0] = b"\x00"

    def is_set(self) -> bool:
        """Whether a stop was asked for."""
        return self._buffer[0] != b"\x00"


def default_threads() -> int:
    """Physical cores that this process may use: a second thread on one core slows ggml's matrix products."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in allowed:
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as siblings:  # noqa: PTH123
                cores.add(siblings.read().strip())
        except OSError:
            cores.add(str(cpu))
    return max(1, min(len(cores), _cpu_quota()))


def _cpu_quota() -> int:
    """Whole CPUs that a container's quota leaves, or a large number where there is no quota."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:  # noqa: PTH123
            quota, period = file.read().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16


def can_offload() -> bool:
    """Whether this build of llama.cpp has a GPU backend with a device, and this process may use it."""
    return not step().cautious and bool(lib.llama_supports_gpu_offload())


@cache
def gpu_names() -> tuple[str, ...]:
    """Descriptions of the devices that layers can be put on, in llama.cpp's order."""
    if not can_offload():
        return ()
    from llama_cpp._ggml import libggml

    count, get, kind, describe = (
        getattr(libggml, f"ggml_backend_dev_{name}") for name in ("count", "get", "type", "description")
    )
    count.restype, get.restype, describe.restype = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p
    get.argtypes, kind.argtypes, describe.argtypes = [ctypes.c_size_t], [ctypes.c_void_p], [ctypes.c_void_p]
    devices = [ctypes.c_void_p(get(i)) for i in range(count())]
    gpu_types = (1, 2)  # GGML_BACKEND_DEVICE_TYPE_GPU, _IGPU
    return tuple(describe(d).decode("utf-8", "replace") for d in devices if kind(d) in gpu_types)


def system_info() -> str:
    """The instruction sets and options that the library was built with and found here."""
    start()
    return str(lib.llama_print_system_info().decode("utf-8", "replace").strip())
