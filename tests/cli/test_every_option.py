"""Each option of the commands that ask a model changes what it names, and nothing else."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from fakes.scripted import INFO, ScriptedAssistant, say

from spectra_local.cli import ask as ask_module
from spectra_local.cli import complete as complete_module
from spectra_local.cli import edit as edit_module
from spectra_local.cli.ask import ask
from spectra_local.cli.complete import complete
from spectra_local.cli.edit import edit
from spectra_local.cli.main import run
from spectra_local.cli.options import WantedModel
from spectra_local.completion.completer import CompletionRequest, Suggestion
from spectra_local.completion.rewrite import RewriteRequest, Rewritten
from spectra_local.protocol import EngineOptions, ExtraFile, FillIn, Timings

Seen = dict[str, Any]

ENGINE: dict[tuple[str, ...], Seen] = {
    ("--model", "x"): {"model.name": "x"},
    ("--yes",): {"model.yes": True},
    ("--ctx", "512"): {"options.n_ctx": 512},
    ("--threads", "3"): {"options.n_threads": 3},
    ("--gpu-layers", "0"): {"options.n_gpu_layers": 0},
    ("--template", "chatml"): {"options.template": "chatml"},
    ("--exact",): {"options.exact": True},
    ("--from-disk",): {"options.from_disk": True},
    ("--own-engine",): {"options.share": False},
}
SAMPLING: dict[tuple[str, ...], Seen] = {
    ("--temperature", "0.5"): {"sampling.temperature": 0.5},
    ("--top-k", "7"): {"sampling.top_k": 7},
    ("--top-p", "0.5"): {"sampling.top_p": 0.5},
    ("--min-p", "0.5"): {"sampling.min_p": 0.5},
    ("--repeat-penalty", "1.5"): {"sampling.repeat_penalty": 1.5},
    ("--dry-multiplier", "0.5"): {"sampling.dry_multiplier": 0.5},
    ("--seed", "3"): {"sampling.seed": 3},
}
STATS = {"err": lambda text: "t/s" in text}
ASK = {
    **ENGINE, **SAMPLING,
    ("--system", "brief"): {"messages": lambda messages: [m.role for m in messages] == ["system", "user"]},
    ("--max-tokens", "5"): {"max_tokens": 5, "end_loops": False},
    ("--stop", "x"): {"stop": ("x",)},
    ("--raw",): {"messages": (), "prompt": "words", "end_loops": False, "max_tokens": None},
    ("--plain",): {"speculate": False},
    ("--json",): {"out": lambda text: '"content": "new"' in text},
    ("--stats",): STATS,
}  # fmt: skip
COMPLETE = {
    **ENGINE, **SAMPLING,
    ("--at", "2:1"): {"fill_in": FillIn("one\n", "two\n", path="file")},
    ("--suffix-file", "other"): {"fill_in": FillIn("one\ntwo\n", "other\n", path="file")},
    ("--path", "x.py"): {"fill_in": FillIn("one\ntwo\n", "", path="x.py")},
    ("--context", "other"): {"fill_in": FillIn("one\ntwo\n", "", path="file", extra=(ExtraFile("other", "other\n"),))},
    ("--no-related",): {"related": False},
    ("--max-tokens", "5"): {"max_tokens": 5},
    ("--max-ms", "500"): {"max_ms": 500.0},
    ("--count", "2"): {"count": 2, "out": "new\0"},
    ("--line",): {"single_line": True},
    ("--raw",): {"raw": True},
    ("--json",): {"out": lambda text: '"content": "new"' in text},
    ("--stats",): STATS,
}  # fmt: skip
EDIT = {
    **ENGINE, **SAMPLING,
    ("--diff",): {"out": lambda text: "+new" in text},
    ("--in-place",): {"out": "", "file": "new\n", "err": lambda text: "file~" in text},
    ("--plain",): {"speculate": False},
    ("--stats",): STATS,
}  # fmt: skip
COMMANDS: list[tuple[click.Command, list[str], dict[tuple[str, ...], Seen]]] = [
    (ask, ["words"], ASK),
    (complete, ["file"], COMPLETE),
    (edit, ["file", "words"], EDIT),
]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Seen]:
    """Runs a command and tells all that came of it, by name."""
    monkeypatch.chdir(tmp_path)

    def seen(*arguments: str) -> Seen:
        (tmp_path / "file").write_text("one\ntwo\n")
        (tmp_path / "other").write_text("other\n")
        found: Seen = {"related": False}
        assistant = ScriptedAssistant(say("new"), info=INFO)

        def opened(model: WantedModel, options: EngineOptions, **_: object) -> ScriptedAssistant:
            found.update(_flat("model", model), **_flat("options", options))
            list(assistant.load())
            return assistant

        class Completer:
            def __init__(self, _: object) -> None: ...

            def accepted(self, *_: object, **__: object) -> None: ...

            def complete(self, request: CompletionRequest) -> Iterator[Suggestion]:
                found.update(_flat("", request))
                yield Suggestion("new", "stop", Timings(predicted_n=1, predicted_ms=1.0))

        def rewrite(_: object, request: RewriteRequest) -> Iterator[Rewritten]:
            found.update(_flat("", request))
            yield Rewritten("new\n", (Timings(predicted_n=1, predicted_ms=1.0),))

        class Related:
            def added_to(self, gap: FillIn, *_: object) -> FillIn:
                found["related"] = True
                return gap

        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
        with monkeypatch.context() as patch:
            for module in (ask_module, complete_module, edit_module):
                patch.setattr(module, "open_engine", opened)
            for module in (complete_module, edit_module):
                patch.setattr(module, "Completer", Completer)
            patch.setattr(complete_module, "RelatedFiles", Related)
            patch.setattr(edit_module, "rewrite", rewrite)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                run(None, arguments)
        shown = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        assert not ended.value.code, shown
        for request in assistant.requests:
            found.update(_flat("", request))
        return {**found, "out": shown[0], "err": shown[1], "file": (tmp_path / "file").read_text()}

    return seen


def _flat(prefix: str, value: Any) -> Seen:
    named = {field.name: getattr(value, field.name) for field in fields(value)}
    sampling = named.pop("sampling", None)
    named.pop("on_progress", None)
    flat = {f"{prefix}.{name}" if prefix else name: each for name, each in named.items()}
    return flat if sampling is None else {**flat, **_flat("sampling", sampling)}


CASES = [(command, given, options, effect) for command, given, table in COMMANDS for options, effect in table.items()]


@pytest.mark.parametrize("before", [False, True], ids=["behind", "before"])
@pytest.mark.parametrize(
    ("command", "given", "options", "effect"),
    CASES,
    ids=[f"{c.name} {' '.join(options)}" for c, _, options, _ in CASES],
)
def test_an_option_changes_what_it_names_and_nothing_else(
    seen: Callable[..., Seen],
    command: click.Command,
    given: list[str],
    options: tuple[str, ...],
    effect: Seen,
    before: bool,
) -> None:
    name = command.name or ""
    plain = seen(name, *given)
    changed = seen(*options, name, *given) if before else seen(name, *options, *given)
    different = {key for key in {*plain, *changed} if plain.get(key) != changed.get(key)}
    assert different == set(effect)
    for key, expected in effect.items():
        assert expected(changed[key]) if callable(expected) else changed[key] == expected, (key, changed[key])


@pytest.mark.parametrize(("command", "table"), [(command, table) for command, _, table in COMMANDS])
def test_no_option_is_left_out(command: click.Command, table: dict[tuple[str, ...], Seen]) -> None:
    options = {max(p.opts, key=len) for p in command.params if isinstance(p, click.Option)}
    assert {given[0] for given in table} == options


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "x", "models", "list"], "'models' takes no --model"),
        (["--ctx", "9", "--exact", "history", "path"], "takes no --ctx, --exact"),
        (["ask", "-5 + 3?"], 'ask -- "-5 + 3?"'),
        (["ask", "-5"], "stands behind --"),
        (["edit", "file", "--seed", "3"], "--seed would do nothing"),
        (["edit", "file", "--diff", "--plain"], "--diff, --plain would do nothing"),
    ],
)
def test_what_would_do_nothing_is_refused(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x\n")
    with pytest.raises(SystemExit) as ended:
        run(None, arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_value_that_is_called_like_a_command_is_a_value(seen: Callable[..., Seen]) -> None:
    assert seen("--model", "edit", "ask", "words")["model.name"] == "edit"
    assert seen("--system", "ask", "ask", "words")["messages"][0].content == "ask"


def test_a_mistyped_option_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(None, ["ask", "hi", "--temperatur", "1"])
    assert "stands behind" not in capsys.readouterr().err
