"""This machine's processor as the system describes it: what tells it from others, and which instructions it has.

Loads no native code: the process that asks may be the one that survives when native code does not.
"""

import os
import sys
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
_IDENTIFYING = ("vendor_id", "cpu family", "model", "model name", "CPU implementer", "CPU part", "flags", "Features")

_VECTOR = ("sse", "ssse", "avx", "amx", "fma", "f16c", "bmi", "asimd", "sve", "sme", "i8mm", "bf16")


@cache
def fields_of_cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where the system has no such file."""
    try:
        first = CPUINFO.read_text("utf-8", "replace").split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":")[::2] for line in first.splitlines())
    return {name.strip(): value.strip() for name, value in pairs}


def name() -> str:
    """What its maker calls it, e.g. "Intel(R) Xeon(R) Platinum 8481C"; the kind of machine where that is not told."""
    return fields_of_cpuinfo().get("model name") or os.uname().machine


def instructions() -> frozenset[str]:
    """The instruction sets it has, by Linux's names ("avx512f", "amx_tile"); empty where the system does not say."""
    described = fields_of_cpuinfo()
    return frozenset((described.get("flags") or described.get("Features") or "").split())


def vector_instructions() -> list[str]:
    """Those of them that matrix kernels are written for."""
    return sorted(name for name in instructions() if name.startswith(_VECTOR))


def has_amx() -> bool:
    """Whether it multiplies matrices in tiles: Intel's server processors since Sapphire Rapids."""
    return "amx_tile" in instructions()


def identity() -> str:
    """Tells this kind of processor from all others, so that what holds on one is not believed on another."""
    described = fields_of_cpuinfo()
    facts = [described.get(field, "") for field in _IDENTIFYING]
    system = os.uname()
    return " ".join([sys.platform, system.machine, *facts, "" if described else system.version])
