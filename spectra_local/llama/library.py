"""The llama.cpp library that is installed, looked at as files: which build it is, and how to make a better one.

Loads no native code: a build for another processor may die as soon as it is loaded.
"""

import hashlib
import os
from collections.abc import Collection
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from spectra_local.llama import processor

_PACKAGE = "llama-cpp-python"
_SUFFIXES = (".so", ".dylib", ".dll")
# What llama.cpp prints of its build, and the processor's instruction that it stands for. AMX is left out: ggml asks the
# system for it when it starts, and does without where it is refused.
_NEEDS = {
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX_VNNI": "avx_vnni",
    "AVX2": "avx2",
    "F16C": "f16c",
    "FMA": "fma",
    "BMI2": "bmi2",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
}


def release() -> str:
    """The installed version of llama-cpp-python, "" where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # 18 ms that a start can spare

    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return ""


@cache
def fingerprint() -> str:
    """Tells this build from all others: the CPU kernels' bytes, every library's name and size."""
    digest = hashlib.blake2b(digest_size=8)
    for path in _files():
        try:
            digest.update(f"{path.name} {path.stat().st_size}".encode())
            if "ggml-cpu" in path.name:
                digest.update(path.read_bytes())
        except OSError:
            continue
    return digest.hexdigest()


def _files() -> list[Path]:
    folder = os.environ.get("LLAMA_CPP_LIB_PATH")  # llama-cpp-python's own variable
    if not folder:
        found = find_spec("llama_cpp")
        if found is None or not found.submodule_search_locations:
            return []
        folder = str(Path(found.submodule_search_locations[0]) / "lib")
    try:
        return sorted(path for path in Path(folder).iterdir() if path.suffix in _SUFFIXES)
    except OSError:
        return []


def lacking(build: str, instructions: Collection[str]) -> list[str]:
    """The instruction sets that a library was built for and a processor lacks: it will die of SIGILL.

    ``build``: llama.cpp's own description, e.g. "CPU : AVX2 = 1 | FMA = 1 | "; ``instructions``: the processor's, of
    which nothing is known where they are empty.
    """
    built = [part.split(":")[-1].split("=")[0].strip() for part in build.split("|") if part.strip().endswith("= 1")]
    return [name for name in built if instructions and name in _NEEDS and _NEEDS[name] not in instructions]


def better_build() -> str:
    """The command that builds llama.cpp for this processor.

    GCC 11 and 12 drop the stores of AMX's tile configuration as dead code, so that the first tile instruction faults
    (llama.cpp issue 20824); without two of their passes the build is right.
    """
    kept_stores = 'CXXFLAGS="-fno-tree-dse -fno-dse" ' if processor.has_amx() else ""
    wanted = f"{_PACKAGE}=={release()}" if release() else _PACKAGE
    return f"{kept_stores}pip install --force-reinstall --no-deps --no-cache-dir --no-binary {_PACKAGE} {wanted}"
