"""What an editor keeps of text that is not saved."""

from pathlib import Path

import pytest

from spectra_local.locations import data_dir
from tui.editing.recovery import Recovery


def left_behind(path: Path, text: str, saved: str | None) -> Path:
    recovery = Recovery(path)
    recovery.keep(text, saved)
    recovery.close()
    (kept,) = (data_dir() / "unsaved").iterdir()
    return kept


def test_a_text_comes_back_exactly_with_whether_its_file_changed(tmp_path: Path):
    text = "a\r\n\x1b[31m\u2028é\ufeff"
    left_behind(tmp_path / "f", text, "a\r\n")
    recovery = Recovery(tmp_path / "f")
    found, changed = recovery.found("a\r\n"), recovery.found("b")
    assert found is not None
    assert changed is not None
    assert (found.text, found.same_file, changed.same_file) == (text, True, False)
    assert recovery.found(text) is None  # it was saved after all
    assert recovery.found("b") is None


def test_a_new_file_that_was_never_saved_comes_back(tmp_path: Path):
    left_behind(tmp_path / "new", "text", None)
    found = Recovery(tmp_path / "new").found(None)
    assert found is not None
    assert (found.text, found.same_file) == ("text", True)


def test_what_another_window_edits_is_neither_offered_nor_overwritten(tmp_path: Path):
    first, second = Recovery(tmp_path / "f"), Recovery(tmp_path / "f")
    first.keep("mine", "")
    second.keep("theirs", "")
    assert (first.is_ours, second.is_ours, second.found("")) == (True, False, None)
    second.drop()
    first.close()
    found = Recovery(tmp_path / "f").found("")
    assert found is not None
    assert found.text == "mine"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"text": 1}', b'{"text": "x", "kept": "soon"}',
                                     b"\xff\x00", b'{"text": "x", "kept": 1e999, "saved": {}}'[:20]])  # fmt: skip
def test_a_damaged_record_is_none(tmp_path: Path, content: bytes):
    left_behind(tmp_path / "f", "text", "").write_bytes(content)
    assert Recovery(tmp_path / "f").found("") is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path):
    data_dir().parent.mkdir(parents=True, exist_ok=True)
    data_dir().write_text("no folder")
    recovery = Recovery(tmp_path / "f")
    recovery.keep("text", "")
    assert (recovery.is_ours, recovery.found("")) == (False, None)
    recovery.drop()
    recovery.close()
