"""What is free: the machine's, or what a control group around this process leaves, whichever is less."""

import sys
from pathlib import Path

import pytest

from spectra_local.llama import memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="control groups are Linux's")

MB = 1_000_000


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of control groups; this process is in those that ``own`` of it names."""
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    return tmp_path / "cgroup"


def group(folder: Path, limit: str, used: int, cached: int = 0, *, version: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    stat = f"anon 1\ninactive_file {cached}\n"
    (folder / "memory.stat").write_text(stat if version == 2 else f"inactive_file 7\ntotal_inactive_file {cached}\n")


def own(groups: Path, text: str) -> None:
    (groups.parent / "own").write_text(text)


def test_a_containers_limit_counts(groups: Path) -> None:
    own(groups, "0::/\n")
    group(groups, str(50 * MB), 20 * MB, 5 * MB)
    assert memory.available_bytes() == 35 * MB


def test_the_limit_of_a_service_or_of_one_around_it_counts(groups: Path) -> None:
    own(groups, "0::/user.slice/app.service\n")
    group(groups / "user.slice" / "app.service", "max", 1 * MB)
    group(groups / "user.slice", str(40 * MB), 30 * MB)
    group(groups, "max", 90 * MB)
    assert memory.available_bytes() == 10 * MB


def test_the_first_version_of_control_groups_counts_too(groups: Path) -> None:
    own(groups, "11:cpu,cpuacct:/docker/abc\n5:memory:/docker/abc\n1:name=systemd:/docker/abc\n")
    group(groups / "memory", str(30 * MB), 20 * MB, 2 * MB, version=1)
    assert memory.available_bytes() == 12 * MB


def test_more_than_the_limit_in_use_is_nothing_left(groups: Path) -> None:
    own(groups, "0::/\n")
    group(groups, str(10 * MB), 30 * MB)
    assert memory.available_bytes() == 0


@pytest.mark.parametrize("limit", ["max", "", "x", str(2**63 - 4096)])
def test_without_a_limit_it_is_the_machines(groups: Path, limit: str) -> None:
    own(groups, "0::/\n")
    group(groups, limit, 20 * MB)
    free = memory.available_bytes()
    assert free is not None
    assert free > 50 * MB
