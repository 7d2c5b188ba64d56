"""How much memory is free, and how much a model will need: asked before native code allocates and dies of it."""

import sys
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """Memory that can be taken without swapping, or None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        cached = _cgroup_file_cache()
        return free if limit == "max" else max(0, min(free, int(limit) - used + cached))
    except (OSError, ValueError):
        return free


def _cgroup_file_cache() -> int:
    """Page cache that counts as used in a control group but is given up on demand."""
    for line in (_CGROUP / "memory.stat").read_text().splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def kv_bytes(n_ctx: int, elements_per_token: int, bytes_per_element: float = 2.0) -> int:
    """Size of a KV cache of ``n_ctx`` tokens whose keys and values have ``elements_per_token`` numbers together."""
    return int(n_ctx * elements_per_token * bytes_per_element)


def scores_bytes(n_ctx: int, n_heads: int, width: int) -> int:
    """What a pass over ``width`` tokens needs without flash attention: a score for each token, head and cell."""
    return 4 * n_ctx * n_heads * width
