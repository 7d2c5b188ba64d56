"""Diffs of texts, short and long: what patch makes of them is the new text."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.unified_diff import n_new_lines, unified_diff

LONG = "".join(f"line {i}\n" for i in range(50_000))
TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "\n", "c"]), max_size=14).map("".join)


def patched(tmp_path: Path, old: str, new: str) -> str:
    file = tmp_path / "f"
    file.write_text(old, newline="")
    diff = unified_diff("f", old, new)
    subprocess.run(["patch", "-s", "--fuzz=0", str(file)], input=diff.encode(), check=True)
    return file.read_bytes().decode()


@given(TEXTS, TEXTS)
def test_equal_texts_have_no_diff_and_others_have_one(old: str, new: str) -> None:
    assert bool(unified_diff("f", old, new)) == (old != new)
    assert n_new_lines(old, new) <= new.count("\n") + 1


@pytest.mark.skipif(shutil.which("patch") is None, reason="the program patch is not installed")
@pytest.mark.timeout(60)  # line by line the long ones would take hours
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LONG, LONG.replace("line 40000\n", "new\nlines\n")),
        (LONG, LONG + "no end"),
        ("a\rb\fc\u2028d\x85e\nf\r\ng\r", "a\rB\fc\u2028d\x85e\nf\ng\r"),
        (LONG, LONG.removeprefix("line 0\n")),
        ("a\n" * 9, "a\n" * 10),
        ("a\n" * 10, "a\n" * 4),
        ("x\n", "y\n"),
    ],
)
def test_patch_makes_the_new_text_of_the_old(tmp_path: Path, old: str, new: str) -> None:
    assert patched(tmp_path, old, new) == new
