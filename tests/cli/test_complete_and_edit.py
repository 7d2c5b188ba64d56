"""`complete` and `edit` on a scripted engine: what they read, print, write and refuse."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.scripted import INFO, Script, ScriptedAssistant, done, say

from spectra_local.cli import complete as complete_module
from spectra_local.cli import edit as edit_module
from spectra_local.cli.main import run
from spectra_local.cli.status import StatusLine
from spectra_local.protocol import ExtraFile, FillIn, ModelInfo, PromptProgress, Text

CODER = replace(INFO, fill_in="qwen")

Command = Callable[..., tuple[int, str, str, ScriptedAssistant]]


@pytest.fixture
def spectra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    def spectra(
        *arguments: str, stdin: bytes = b"", script: Script | None = None, then: Script = (), info: ModelInfo = CODER
    ) -> tuple[int, str, str, ScriptedAssistant]:
        engine = ScriptedAssistant(script or say("made"), *([then] if then else []), info=info)
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
        with monkeypatch.context() as patch:
            for module in (complete_module, edit_module):
                patch.setattr(module, "open_engine", lambda model, options: engine)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.chdir(tmp_path)
            with pytest.raises(SystemExit) as ended:
                run(None, arguments)
        shown = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return int(ended.value.code or 0), shown[0], shown[1], engine

    return spectra


def test_complete_prints_the_insertion_and_nothing_else(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("\ufeffé = f(\r\nx\r\n".encode())
    code, out, err, engine = spectra("complete", "a.py", "--at", "1:7", script=say("1,\n2)"))
    assert (code, out, err) == (0, "1,\r\n2)", "")
    assert engine.requests[0].fill_in == FillIn("é = f(", "\nx\n", path="a.py")


def test_complete_takes_the_place_from_two_texts_and_related_files(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "rest").write_text("\nb")
    (tmp_path / "u.py").write_text("u")
    options = ("--suffix-file", "rest", "--context", "u.py", "--path", "m.py")
    _, out, _, engine = spectra("complete", "-", *options, stdin=b"a = ")
    assert out == "made"
    assert engine.requests[0].fill_in == FillIn("a = ", "\nb", path="m.py", extra=(ExtraFile("u.py", "u"),))


def test_complete_reads_what_the_file_imports_unless_told_otherwise(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "shapes.py").write_text("def area(): ...\n")
    (tmp_path / "main.py").write_text("import shapes\nshapes.")
    gap = spectra("complete", "main.py")[3].requests[0].fill_in
    assert gap
    assert gap.extra == (ExtraFile("shapes.py", "def area(): ...\n"),)
    assert (gap.path, gap.repository) == ("main.py", tmp_path.name)
    assert spectra("complete", "main.py", "--no-related")[3].requests[0].fill_in == FillIn(
        "import shapes\nshapes.", path="main.py"
    )


@pytest.mark.parametrize("arguments", [("empty.py",), ("-", "--path", "x.rs"), ("empty.py", "--json")])
def test_where_there_is_no_text_at_all_nothing_is_made_up(
    spectra: Command, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "empty.py").write_text("\n")
    code, out, err, engine = spectra("complete", *arguments)
    assert (code, engine.requests) == (0, [])
    assert "no text" in err
    assert json.loads(out)["content"] == "" if "--json" in arguments else out == ""


def test_complete_shows_on_a_terminal_how_far_it_has_read(
    spectra: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("a = ")
    script = [PromptProgress(512, 1024), *say("made")]
    assert spectra("complete", "f", script=script)[1:3] == ("made", "")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(complete_module, "StatusLine", lambda stream: StatusLine(terminal, delay=0))
    assert spectra("complete", "f", script=script)[1] == "made"
    assert "512 of 1024" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")


def test_complete_json_has_all_suggestions(spectra: Command) -> None:
    others = [Text("wrought"), Text("made", answer=1), done()]
    _, out, _, engine = spectra("complete", "-", "--json", "--count", "3", stdin=b"a = ", then=others)
    answer = json.loads(out)
    assert [request.count for request in engine.requests] == [1, 2]
    assert (answer["content"], answer["by_instruction"]) == ("made", False)
    assert [each["content"] for each in answer["suggestions"]] == ["made", "wrought"]


def test_control_characters_of_a_model_are_not_printed_raw(spectra: Command) -> None:
    _, out, _, _ = spectra("complete", "-", stdin=b"a = ", script=say("\x1b]52;c;x\x07y"))
    assert "\x1b" not in out
    assert "\x07" not in out


@pytest.mark.parametrize(
    ("data", "arguments", "code", "words"),
    [
        (b"one\ntwo\n", ("--at", "4:1"), 2, "2 lines: there is no line 4"),
        (b"one\ntwo\n", ("--at", "1:5"), 2, "columns go from 1 to 4"),
        (b"one\r\n", ("--at", "1:5"), 2, "columns go from 1 to 4"),
        (b"one\n", ("--at", "0:1"), 2, "no line 0"),
        (b"one\n", ("--at", "x"), 2, "LINE:COL"),
        (b"\x00\x01", ("--at", "1:1"), 1, "zero bytes"),
        (b"\xff", ("--at", "1:1"), 1, "UTF-8"),
        (b"one\n", ("--suffix-file", "f", "--at", "1:1"), 2, "--at"),
        (b"one\n", ("--suffix-file", "missing"), 1, "cannot be read"),
    ],
)
def test_complete_refuses_bad_input_with_one_line(
    spectra: Command, tmp_path: Path, data: bytes, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "f").write_bytes(data)
    returned, out, err, _ = spectra("complete", "f", *arguments)
    assert (returned, out, err.count("\n")) == (code, "", 1)
    assert words in err


def test_a_place_in_a_file_of_50_000_lines_is_found(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("".join(f"line {i}\n" for i in range(1, 50_001)))
    _, _, _, engine = spectra("complete", "long", "--at", "40000:6")
    gap = engine.requests[0].fill_in
    assert gap
    assert gap.prefix.endswith("line 39999\nline ")
    assert gap.suffix.startswith("40000\n")
    assert len(gap.prefix) + len(gap.suffix) < 10_000


def test_edit_prints_only_the_lines_it_was_given(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nb\nc\n")
    assert spectra("edit", "f:2-2", "shout", script=say("B"))[:3] == (0, "B\n", "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(spectra: Command, tmp_path: Path, end: str) -> None:
    text = end.join(["a\f1", "b\x0b\x1c\x1d\x1e2", "c\x85\u2028\u20293", "d4", ""])
    (tmp_path / "f").write_text(text, newline="")
    assert spectra("edit", "f:4-4", "shout", script=say("D4"))[:3] == (0, f"D4{end}", "")
    assert spectra("edit", "f:2-2", "shout", script=say("B\x0b\x1b"))[1] == f"B\x0b\u241b{end}"  # its own is kept
    assert spectra("edit", "f:5-5", "shout")[0] == 2
    assert spectra("complete", "f", "--at", "4:2")[3].requests[0].fill_in.suffix == "4\n"
    _, _, err, _ = spectra("edit", "f:4-4", "shout", "--in-place", script=say("D4\nE5"))
    assert "2 lines new or changed" in err
    assert (tmp_path / "f").read_bytes() == text.replace("d4", f"D4{end}E5").encode()


def test_edit_shows_a_diff_that_patch_takes(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nb")
    _, out, _, _ = spectra("edit", "f", "shout", "--diff", script=say("a\nB"))
    assert out == (
        "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+B\n\\ No newline at end of file\n"
    )


@pytest.mark.parametrize(
    ("options", "learned"),
    [((), ["B"]), (("--in-place",), ["B\n"]), (("--diff",), [])],
    ids=["printed", "in place", "diff"],
)
def test_a_rewriting_is_learned_where_it_takes_the_texts_place(
    spectra: Command, tmp_path: Path, options: tuple[str, ...], learned: list[str]
) -> None:
    (tmp_path / "f").write_text("a\nb\n")
    engine = spectra("edit", "f:2-2", "shout", *options, script=say("B"))[3]
    told = [request for request in engine.requests if request.accepted]
    assert [str(request.accepted).strip() for request in told] == [text.strip() for text in learned]
    assert all(request.prompt == "a\n" for request in told)


def test_edit_in_place_keeps_the_old_file_and_its_mode(spectra: Command, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"a\r\nb\r\n")
    file.chmod(0o750)
    code, out, err, _ = spectra("edit", "f:2-2", "shout", "--in-place", script=say("B"))
    assert (code, out) == (0, "")
    assert "f~" in err
    assert file.read_bytes() == b"a\r\nB\r\n"
    assert file.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "f~").read_bytes() == b"a\r\nb\r\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", "f~"]


CODE = "def area(side):\n    for i in range(9):\n        side += i\n    return side\n\n\ndef other():\n    return 1\n"


@pytest.mark.parametrize(
    "answer",
    [
        "def area(width):\n    for i in range(9):\n",
        CODE.replace("side", "width"),
        "def area(width):\n    for i in range(9):\n        width += i\n    return width\n",
        "```python\n" + CODE.replace("side", "width") + "```\n",
    ],
    ids=["these lines", "the whole file", "what follows too", "in a block"],
)
def test_in_place_nothing_but_the_named_lines_changes(spectra: Command, tmp_path: Path, answer: str) -> None:
    file = tmp_path / "f.py"
    file.write_text(CODE)
    asked = ("edit", "f.py:1-2", "Rename the parameter side to width.", "--in-place")
    assert spectra(*asked, script=say(answer))[0] == 0
    assert file.read_text() == CODE.replace("area(side)", "area(width)")


@pytest.mark.parametrize("answer", ["def other():\n    return 2", "def area(side):\n    return 36 + side\n"])
def test_what_would_double_or_tear_the_text_is_refused_and_nothing_changes(
    spectra: Command, tmp_path: Path, answer: str
) -> None:
    file = tmp_path / "f.py"
    file.write_text(CODE)
    code, out, err, _ = spectra("edit", "f.py:1-2", "Make it shorter.", "--in-place", script=say(answer))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "the text stays as it is" in err
    assert file.read_text() == CODE
    assert [path.name for path in tmp_path.iterdir()] == ["f.py"]


def test_a_filter_that_fails_gives_the_text_back(spectra: Command) -> None:
    code, out, err, _ = spectra("edit", "-", "x", stdin=b"a\r\nb", script=say("Sure, here it is:"))
    assert (code, out) == (1, "a\r\nb")
    assert "stays as it is" in err


def test_a_file_that_changed_meanwhile_is_not_overwritten(spectra: Command, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a\n")

    steps = iter(say("A"))

    class Changing(list):  # type: ignore[type-arg]
        def __iter__(self):
            file.write_text("theirs\n")
            return steps

    code, _, err, _ = spectra("edit", "f", "shout", "--in-place", script=Changing([1]))
    assert (code, file.read_text()) == (1, "theirs\n")
    assert "changed meanwhile" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("f:2-9", "x"), 2, "2 lines: 2-9"),
        (("f:0-1", "x"), 2, "0-1"),
        (("f", " "), 2, "instruction is empty"),
        (("empty", "x"), 2, "no text"),
        (("missing", "x"), 1, "cannot be read"),
        (("f:a-b", "x"), 2, "FILE:A-B"),
        (("missing:a-b", "x"), 1, "cannot be read"),
        (("long", "x"), 2, "50,000 lines are too many"),
        (("f", "x", "--diff", "--in-place"), 2, "--in-place"),
        (("-", "x", "--in-place"), 2, "--in-place"),
    ],
)
def test_edit_refuses_bad_input_with_one_line(
    spectra: Command, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "f").write_text("a\nb\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "long").write_text("x\n" * 50_000)
    returned, out, err, _ = spectra("edit", *arguments)
    assert (returned, out, err.count("\n")) == (code, "", 1)
    assert words in err


def test_edit_says_of_a_small_chat_model_that_it_is_one_but_not_in_a_filter(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    small = replace(INFO, n_params=135_000_000)
    assert "not made for code" in spectra("edit", "f", "shout", script=say("A"), info=small)[2]
    assert spectra("edit", "-", "shout", stdin=b"a\n", script=say("A"), info=small)[1:3] == ("A\n", "")
    assert spectra("edit", "f", "shout", script=say("A"))[2] == ""


def test_edit_says_that_nothing_changed_but_not_in_a_filter(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    for options in ([], ["--diff"]):
        assert "changed nothing" in spectra("edit", "f", "shout", *options, script=say("a"))[2]
    assert spectra("edit", "f", "shout", "--in-place", script=say("a"))[2].count("\n") == 1
    assert spectra("edit", "-", "shout", stdin=b"a\n", script=say("a"))[1:3] == ("a\n", "")


def test_stats_tell_passes_also_where_nothing_was_drafted(spectra: Command, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    err = spectra("edit", "f", "shout", "--stats", script=[Text("A"), done(predicted_n=3, steps=2)])[2]
    assert "2 steps, drafted 0 ]" in err
