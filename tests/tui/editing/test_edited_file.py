"""A file comes back from the editor as it was, whatever is in it."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spectra_local.errors import SpectraError
from spectra_local.printable import printable
from tui.editing.edited_file import MOST_CHARACTERS, EditedFile
from tui.editing.veil import Veil

TEXTS = st.text(alphabet=st.one_of(st.sampled_from("ab \t\n\r\x0b\x0c\x1b\x85\u2028\ufeff\u202e☃\U000f0000"), st.characters(exclude_categories=["Cs"])))  # fmt: skip # noqa: E501


@given(TEXTS.filter(lambda text: "\0" not in text))
@example("a\r\nb\r\n")
@example("a\r\nb\n")
@example("\ufeffa\r\n")
@example("a\x0cb\u2028c")
def test_a_text_comes_back_exactly_and_only_line_feeds_break_its_lines(text: str):
    path = Path(os.environ["SPECTRA_HOME"]) / "file.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    file = EditedFile(str(path))
    held = file.text
    assert held.splitlines() == (held.removesuffix("\n").split("\n") if held else [])
    assert file.exactly(held) == text
    shown = file.veil.glyphs(held)
    assert len(shown) == len(held)
    assert printable(shown) == shown


def test_saving_keeps_line_ends_byte_order_mark_and_mode(tmp_path: Path):
    path = tmp_path / "script.sh"
    path.write_bytes("\ufeffone\r\ntwo\r\n".encode())
    path.chmod(0o750)
    file = EditedFile(str(path))
    assert file.text == "one\ntwo\n"
    file.save("one\nthree\n")
    assert path.read_bytes() == "\ufeffone\r\nthree\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o750
    assert [entry.name for entry in tmp_path.iterdir()] == ["script.sh"]


def test_a_file_whose_lines_end_in_carriage_returns_alone_has_its_lines(tmp_path: Path):
    path = tmp_path / "old.txt"
    path.write_bytes(b"one\rtwo\r")
    file = EditedFile(str(path))
    assert file.text == "one\ntwo\n"
    file.save("one\nthree\n")
    assert path.read_bytes() == b"one\rthree\r"


def test_a_file_that_another_program_changed_is_not_written_over(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("mine")
    file = EditedFile(str(path))
    assert not file.changed_on_disk()
    path.write_text("theirs")
    assert file.changed_on_disk()
    assert not file.changed_on_disk(), "said once"
    with pytest.raises(SpectraError, match="changed meanwhile"):
        file.save("mine too")
    assert path.read_text() == "theirs"
    file.overwrite("mine too")
    assert path.read_text() == "mine too"


def test_a_new_file_is_made_by_saving_but_never_over_one_that_appeared(tmp_path: Path):
    file = EditedFile(str(tmp_path / "new.py"))
    assert file.text == ""
    (tmp_path / "new.py").write_text("surprise")
    with pytest.raises(SpectraError, match="changed meanwhile"):
        file.save("x = 1\n")
    (tmp_path / "new.py").unlink()
    file.save("x = 1\n")
    assert (tmp_path / "new.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF\0\0", "zero bytes"),
        ("é".encode("latin-1"), "not UTF-8"),
        (b"x" * (MOST_CHARACTERS + 1), "too long to edit here: 500,001 characters"),
    ],
)
def test_what_is_no_text_to_edit_is_refused_in_a_line(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SpectraError, match=words) as caught:
        EditedFile(str(path))
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path):
    with pytest.raises(SpectraError, match="no folder"):
        EditedFile(str(tmp_path / "no" / "file.py"))
    with pytest.raises(SpectraError, match="cannot be read"):
        EditedFile(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_file_says_so(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("x")
    path.chmod(0o444)
    with pytest.raises(SpectraError, match="read-only"):
        EditedFile(str(path)).save("y")


@pytest.mark.parametrize(
    ("text", "indent"),
    [
        ("def f():\n\treturn 1\n", ("tabs", 4)),
        ("a:\n  b:\n    c\n", ("spaces", 2)),
        ("def f():\n    if x:\n        y\n", ("spaces", 4)),
        ("flat\n", ("spaces", 4)),
    ],
)
def test_indentation_is_that_of_the_file(tmp_path: Path, text: str, indent: tuple[str, int]):
    path = tmp_path / "a"
    path.write_text(text)
    assert EditedFile(str(path)).indent == indent


def test_a_veil_avoids_private_characters_that_a_text_uses():
    text = chr(0xF0000 + 0x1B) + "\x1b"
    veil = Veil(text)
    assert veil.reveal(veil.hide(text)) == text
