"""What is exported comes back whole; what is no export is refused in one line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.chats.records import UNREADABLE, Attachment, SavedMessage, Tree
from spectra_local.chats.transfer import branch_of, parse, read, to_json, to_markdown, write
from spectra_local.errors import SpectraError

TREE = Tree(
    "A title",
    (
        SavedMessage(1, None, "user", "## You\n\nHi", files=(Attachment("a.py", "x = 1\n"),)),
        SavedMessage(2, 1, "assistant", "```python\ny = 2\n```"),
        SavedMessage(3, 1, "assistant", "Another\n", outcome="stopped"),
    ),
    leaf=3,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_json_carries_every_branch():
    assert parse(to_json(TREE)) == TREE


def test_json_carries_what_was_chosen_for_the_chat():
    tree = Tree("t", (SavedMessage(1, None, "user", "q"),), 1, own='{"system": "Be brief."}')
    assert parse(to_json(tree)) == tree
    assert '"own"' not in to_json(replace(tree, own="{}"))


def test_a_chat_is_imported_without_choices_that_are_no_text():
    body = json.loads(to_json(TREE)) | {"own": {"system": ["Be brief."]}}
    assert parse(json.dumps(body)) == replace(TREE, own=UNREADABLE)


def test_markdown_carries_the_branch_that_is_shown():
    back = parse(to_markdown(TREE))
    assert [(m.role, m.text, m.files) for m in back.messages] == [(m.role, m.text, m.files) for m in branch_of(TREE)]
    assert back.title == "A title"


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_any_text_comes_back_from_both(texts: list[str]):
    messages = tuple(SavedMessage(n + 1, n or None, "user", text) for n, text in enumerate(texts))
    tree = Tree("t", messages, len(messages))
    assert parse(to_json(tree)) == tree
    assert [m.text for m in parse(to_markdown(tree)).messages] == texts


def test_a_file_is_never_written_over(tmp_path: Path):
    first, second = write(TREE, tmp_path), write(replace(TREE, leaf=2), tmp_path)
    assert [first.name, second.name] == ["A-title.md", "A-title-2.md"]
    assert first.stat().st_mode & 0o777 == 0o600
    assert read(first).messages[-1].text == "Another\n"
    assert read(write(TREE, tmp_path, "json")) == TREE


@pytest.mark.parametrize(
    "content",
    ["", "hello", "[]", "{}", "[" * 100_000, to_json(TREE).replace('"leaf": 3', '"leaf": 9'),
     to_json(TREE).replace('"parent": 1', '"parent": 7'), to_json(TREE).replace('"user"', '"system"')],
)  # fmt: skip
def test_what_is_no_export_is_refused(content: str, tmp_path: Path):
    (tmp_path / "x").write_text(content)
    with pytest.raises(SpectraError, match="nothing was imported"):
        read(tmp_path / "x")


def test_a_missing_or_binary_file_is_refused(tmp_path: Path):
    with pytest.raises(SpectraError, match="No such file"):
        read(tmp_path / "missing")
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpectraError, match="no text file"):
        read(tmp_path / "b")
