"""How much memory is free, and how much a model will need: asked before native code allocates and dies of it."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def available_bytes() -> int | None:
    """Memory that can be taken without swapping, or None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    return min([free, *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """What each control group that this process is in, those of its parents too, leaves of its limit: containers and
    services are held to it, whatever the machine has."""
    for folder, limit_name, used_name in _groups():
        with contextlib.suppress(OSError, ValueError):  # no such file, "max": no limit here
            limit, used = int((folder / limit_name).read_text()), int((folder / used_name).read_text())
            yield max(0, limit - used + _file_cache(folder))


def _groups() -> Iterator[tuple[Path, str, str]]:
    """(folder, file of the limit, file of what is used) of this process's groups, with both versions' names."""
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            root, names = CGROUP, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            root, names = CGROUP / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        # In a container the path may be the host's, of which nothing is to be seen here but the group itself.
        folder = root / path.lstrip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(root):
                yield group, *names


def _file_cache(folder: Path) -> int:
    """Page cache that counts as used in a control group but is given up on demand."""
    fields = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return int(fields.get("total_inactive_file", fields.get("inactive_file", 0)))


def kv_bytes(n_ctx: int, elements_per_token: int, bytes_per_element: float = 2.0) -> int:
    """Size of a KV cache of ``n_ctx`` tokens whose keys and values have ``elements_per_token`` numbers together."""
    return int(n_ctx * elements_per_token * bytes_per_element)


def scores_bytes(n_ctx: int, n_heads: int, width: int) -> int:
    """What a pass over ``width`` tokens needs without flash attention: a score for each token, head and cell."""
    return 4 * n_ctx * n_heads * width
