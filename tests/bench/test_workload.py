"""Prompt files: the three formats, and what is wrong with others."""

import json
from collections import Counter
from pathlib import Path

import pytest

from spectra_local.bench.methods import chosen
from spectra_local.bench.workload import first_of_each, own_prompts, read_prompts
from spectra_local.errors import SpectraError, UsageError


def prompts_of(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", "utf-8")
    return path


def test_our_own_set_has_four_tasks() -> None:
    assert Counter(prompt.task for prompt in own_prompts()) == {"chat": 3, "code": 3, "edit": 3, "summarise": 3}
    assert len({prompt.id for prompt in own_prompts()}) == 12


def test_the_three_formats_are_read(tmp_path: Path) -> None:
    path = prompts_of(
        tmp_path,
        {"id": "x", "task": "qa", "turns": ["Who?", "Why?"]},
        {"instruction": "Rename a to b.", "code": "a = 1\u2028\n"},
        {"task": "fim", "prefix": "def f(", "suffix": "):", "reference": "x"},
    )
    chat, edit, fill = read_prompts([path])
    assert (chat.id, chat.task, chat.messages[0].content) == ("x", "qa", "Who?")
    asked = edit.messages[0].content
    assert asked.index("a = 1") < asked.index("Rename")  # what original and answer share comes before what differs
    assert (edit.task, edit.prediction, edit.fills_in) == ("edit", "a = 1\u2028\n", False)
    assert (fill.prefix, fill.suffix, fill.fills_in, fill.id) == ("def f(", "):", True, "prompts.jsonl:3")


@pytest.mark.parametrize(
    "row", [3, [], {}, {"turns": []}, {"turns": "x"}, {"turns": [1]}, {"instruction": "x"}, {"prefix": "a"}]
)
def test_a_line_that_is_no_prompt_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(SpectraError, match="line 2: no prompt"):
        read_prompts([prompts_of(tmp_path, {"turns": ["ok"]}, row)])


def test_files_that_are_absent_empty_or_no_text_are_refused(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n\n")
    binary.write_bytes(b"\xff\xfe\x00")
    for path, says in ((tmp_path / "none", "cannot be read"), (empty, "no prompts"), (binary, "not UTF-8")):
        with pytest.raises(SpectraError, match=says):
            read_prompts([path])


def test_the_first_prompts_of_each_task_are_taken() -> None:
    assert [p.id for p in first_of_each(own_prompts(), 1)] == [
        "chat/kettle",
        "code/ledger",
        "edit/rename",
        "summarise/bridges",
    ]
    assert first_of_each(own_prompts(), None) == own_prompts()


def test_names_are_chosen_with_either_dash() -> None:
    known = ["prompt_lookup", "anpd", "ngram-mod"]
    assert chosen("anpd, prompt-lookup", known, "rival") == ["prompt_lookup", "anpd"]
    assert chosen("ngram-mod", known, "type") == ["ngram-mod"]
    assert (chosen("all", known, "rival"), chosen("none", known, "rival")) == (known, [])
    with pytest.raises(UsageError, match="no rival called 'eagle'"):
        chosen("eagle", known, "rival")
