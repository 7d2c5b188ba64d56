"""What is compiled at a start, and taken from a file at the next one."""

import dataclasses
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.start_cache import StartCache

PATTERNS = (r"(?P<year>\d{4})-(?P<month>\d\d)", r"^[^\W_]+|ä{2,3}$", b"a(b)?c")


@pytest.fixture(autouse=True)
def compilers_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = re._compiler.compile  # type: ignore[attr-defined]
    yield
    assert re._compiler.compile == before  # type: ignore[attr-defined]
    assert "exec" not in vars(dataclasses)


def start(path: Path) -> tuple[StartCache, type, list[re.Pattern[str] | re.Pattern[bytes]]]:
    """One start: a dataclass and some regular expressions are made."""
    re.purge()
    cache = StartCache(path)
    cache.begin()
    try:
        made = dataclasses.make_dataclass(
            "Point", [("x", int), ("y", int, dataclasses.field(default=2))], frozen=True, slots=True
        )
        patterns = [re.compile(pattern, re.IGNORECASE) for pattern in PATTERNS]
    finally:
        cache.keep()
    re.purge()
    return cache, made, patterns


def mark_as_old(path: Path) -> int:
    """When it was written, in ns since 1970: long ago."""
    os.utime(path, (1e9, 1e9))
    return path.stat().st_mtime_ns


def test_a_second_start_compiles_nothing_and_makes_the_same(tmp_path: Path):
    path = tmp_path / "start" / "cache.bin"
    patterns = start(path)[2]
    written = mark_as_old(path)
    point, again = start(path)[1:]
    assert path.stat().st_mtime_ns == written, "nothing new was to be kept"
    assert (point(1), point(1) == point(1, 2), point(1) == point(3)) == (point(1, 2), True, False)
    assert repr(point(1)) == "Point(x=1, y=2)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        point(1).x = 3
    assert again == patterns
    assert again[0].match("2026-11").groupdict() == {"year": "2026", "month": "11"}  # type: ignore[union-attr,arg-type]
    assert again[1].search("-- ÄÄ")[0] == "ÄÄ"  # type: ignore[index,arg-type]
    assert again[2].fullmatch(b"ABC")[1] == b"B"  # type: ignore[index,arg-type]


def test_only_its_owner_can_read_the_file(tmp_path: Path):
    start(tmp_path / "start" / "cache.bin")
    assert (tmp_path / "start" / "cache.bin").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "start").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [
    lambda whole: b"",
    lambda whole: whole[:-1],
    lambda whole: whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :],
    lambda whole: whole + b"more",
])  # fmt: skip
def test_a_damaged_file_counts_as_none_and_is_replaced(tmp_path: Path, damage):
    path = tmp_path / "cache.bin"
    start(path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    start(path)
    assert path.read_bytes() == whole


def test_what_another_python_wrote_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "cache.bin"
    start(path)
    written = mark_as_old(path)
    monkeypatch.setattr("tui.start_cache.MADE_BY", b"another\0")
    start(path)
    assert path.stat().st_mtime_ns != written


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path):
    (tmp_path / "start").write_text("a file where the folder should be")
    _, point, _ = start(tmp_path / "start" / "cache.bin")
    assert point(1).y == 2


def test_nothing_is_written_where_python_writes_no_compiled_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    start(tmp_path / "cache.bin")
    assert not (tmp_path / "cache.bin").exists()
