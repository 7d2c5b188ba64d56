"""The live half of ``spectra-chat bench``: from options to an engine, a contest, a table, JSON and a plot."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from spectra_local.bench.contest import Contestants, run_contest
from spectra_local.bench.live import LiveMethods, Question
from spectra_local.bench.live_report import live_notes, live_table, report
from spectra_local.bench.llama_server import SPEC_TYPES, LlamaServers
from spectra_local.bench.methods import PLAIN, SPECTRA, chosen
from spectra_local.bench.plot import bars
from spectra_local.bench.workload import Prompt, first_of_each, own_prompts, read_prompts
from spectra_local.cli.opening import model_path
from spectra_local.cli.options import WantedModel
from spectra_local.cli.status import StatusLine
from spectra_local.engine import Engine
from spectra_local.errors import SpectraError
from spectra_local.llama import library, native
from spectra_local.printable import printable_line
from spectra_local.protocol import EngineOptions
from spectra_local.worker.settling import settle_kernels

_BAR_CELLS = 24


def measure_live(
    model: WantedModel,
    options: EngineOptions,
    rivals: Sequence[str],
    growing: bool,
    as_json: bool,
    *,
    prompts: Sequence[Path],
    per_task: int | None,
    max_tokens: int,
    repeat_pass: bool,
    llama_server: Path | None,
    spec_types: str,
    plot: Path | None,
) -> int:
    """Measures and prints. Raises SpectraError, and before anything is measured where that is possible."""
    types = chosen(spec_types, SPEC_TYPES, "spec type")
    asked = first_of_each(read_prompts(prompts) if prompts else own_prompts(), per_task)
    if plot is not None and not plot.absolute().parent.is_dir():
        raise SpectraError(f"{plot} cannot be written: there is no folder {plot.absolute().parent}")
    path = model_path(model)
    with ExitStack() as stack, _loaded(path, options) as engine:
        methods = LiveMethods(engine, [PLAIN, SPECTRA, *rivals])
        questions = _questions(methods, asked, max_tokens)
        groups: list[Contestants] = [methods]
        if llama_server is not None:
            servers = _servers(llama_server, path, types, questions, options)
            groups.append(stack.enter_context(servers))
        passes, stopped = _measured(methods, groups, questions, 1 + repeat_pass, growing)
        results: dict[str, Any] = {
            "model": {"name": engine.info.name, "quantisation": engine.info.quantisation, "device": engine.info.device},
            "llama_cpp_python": library.release(),
            "date": datetime.now(UTC).date().isoformat(),
            "max_tokens": max_tokens,
            "n_prompts": len(questions),
            "decode_cost": engine.decode_cost,
            "stopped": stopped,
            "history": "grow" if growing else "empty",
            "passes": passes,
        }
    if plot is not None:
        _draw(plot, results)
    if as_json:
        click.echo(json.dumps(results))
    else:
        notes = live_notes(passes, results["decode_cost"])
        click.echo("\n\n".join(part for part in (_heading(results), live_table(passes), notes) if part))
    if stopped:
        click.echo("stopped: these are the prompts that all methods had answered by then", err=True)
        raise KeyboardInterrupt
    return 0


@contextmanager
def _loaded(path: Path, options: EngineOptions) -> Iterator[Engine]:
    """An engine in this process: no pipe between the clock and the model."""
    settle_kernels(path)
    with closing(Engine(path, replace(options, history=False))) as engine:
        with StatusLine(sys.stderr) as status:
            for progress in engine.load():
                status.show(f"loading {path.name}  {progress.fraction:4.0%}")
        yield engine


def _questions(methods: LiveMethods, prompts: Sequence[Prompt], n_tokens: int) -> list[Question]:
    questions, skipped = [], []
    for prompt in prompts:
        question = methods.question(prompt, n_tokens)
        questions += [question] if question else []
        skipped += [] if question else [prompt]
    if n_fills := sum(prompt.fills_in for prompt in skipped):
        click.echo(f"note: {n_fills} fill-ins skipped: too long, or the model has no fill-in tokens", err=True)
    if n_long := len(skipped) - n_fills:
        click.echo(f"note: {n_long} prompts skipped: longer than the context; --ctx may be larger", err=True)
    if not questions:
        raise SpectraError("this model can be asked none of the prompts")
    return questions


def _servers(
    program: Path, model: Path, types: Sequence[str], questions: Sequence[Question], options: EngineOptions
) -> LlamaServers:
    return LlamaServers(
        program,
        model,
        types,
        n_ctx=max(len(q.tokens) + q.n_tokens for q in questions) + 256,  # it drafts beyond the last token
        n_threads=options.n_threads or native.default_threads(),
        n_gpu_layers=options.n_gpu_layers,
    )


def _measured(
    methods: LiveMethods, groups: Sequence[Contestants], questions: Sequence[Question], n_passes: int, growing: bool
) -> tuple[list[dict[str, Any]], bool]:
    """The report of each pass, and whether ctrl+c ended it before every prompt was answered by all."""
    with StatusLine(sys.stderr) as status:
        status.show("warming up")
        methods.warm_up(questions[0])

        def show(done: int, total: int, method: str, prompt: str) -> None:
            filled = done * _BAR_CELLS // total
            status.show(f"[{'#' * filled}{'.' * (_BAR_CELLS - filled)}] {done} of {total}  {prompt}  {method}")

        passes = run_contest(groups, questions, n_passes, growing=growing, on_progress=show)
    order = [name for group in groups for name in group.names]
    reports = [report(samples) for samples in passes]
    stopped = sum(map(len, passes)) < n_passes * len(questions) * len(order)
    return [{name: results[name] for name in order} for results in reports], stopped


def _heading(results: dict[str, Any]) -> str:
    model = results["model"]
    return printable_line(
        f"{model['name']} {model['quantisation']}, {model['device']}, {results['n_prompts']} prompts, "
        f"at most {results['max_tokens']} tokens, greedy, llama-cpp-python {results['llama_cpp_python']}"
    )


def _draw(path: Path, results: dict[str, Any]) -> None:
    title = "Generation speed, plain decoding = 1"
    first, *later = results["passes"]
    same = [first, *(passes for passes in later if _tasks(passes) == _tasks(first))]  # a stopped pass may lack some
    try:
        path.write_text(bars(title, f"{_heading(results)}, {results['date']}", same), "utf-8")
    except OSError as error:
        raise SpectraError(f"{path} cannot be written: {error.strerror or error}") from error


def _tasks(results: dict[str, Any]) -> list[str]:
    return list(next(iter(results.values()))["ratio"]["tasks"])
