"""``spectra-chat doctor``: what is installed, what was found, and one timed decode. Only --yes fetches."""

import json
import os
import platform
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spectra_local import __version__, locations
from spectra_local.byte_size import byte_size
from spectra_local.cli.opening import model_path, open_engine
from spectra_local.cli.options import WantedModel, engine_options
from spectra_local.counted import counted
from spectra_local.errors import SpectraError
from spectra_local.llama.memory import available_bytes
from spectra_local.printable import printable_line
from spectra_local.protocol import Done, EngineOptions, ModelInfo, Request
from spectra_local.timings_json import timings_json

if TYPE_CHECKING:
    from collections.abc import Callable

_PROMPT = "Count from one to twenty in words, separated by commas: one, two, three, four, five, six,"
_TOKENS = 32
_SHOWN_WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)


@click.command()
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(model: WantedModel, options: EngineOptions, as_json: bool) -> int:
    """Check the installation. Exit 1 if something is wrong."""
    locations.config_dir()  # without a home that is all there is to say
    checks: dict[str, Callable[[], Any]] = {
        "versions": _versions,
        "native": _native,
        "kernels": _kernels,
        "memory": _memory,
        "paths": _paths,
        "models": _models,
        "sharing": _sharing,
        "decode": lambda: _decode(model, options),
    }
    report: dict[str, Any] = {}
    problems: list[str] = []
    for name, check in checks.items():
        try:
            report[name] = check()
        except SpectraError as error:
            report[name] = None
            problems.append(f"{name}: {error}")
    if as_json:
        click.echo(json.dumps({**report, "problems": problems}))
    else:
        _print(report)
    for problem in problems:
        click.echo(f"problem: {printable_line(problem)}", err=True)
    return 1 if problems else 0


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    packages = ("llama-cpp-python", "numpy", "textual", "huggingface_hub")
    python = f"{platform.python_version()} ({sys.executable})"
    return {"spectra-chat": __version__, "python": python, **{name: version(name) for name in packages}}


def _native() -> dict[str, str]:
    from spectra_local.llama.facts import native_facts

    return native_facts()


def _kernels() -> dict[str, str]:
    from spectra_local.llama import kernels, library, processor

    step = kernels.current()
    facts = {
        "processor": f"{processor.name()}, with {' '.join(processor.vector_instructions()) or 'unknown instructions'}",
        "in use": f"{step.name}: llama.cpp runs {step.words}",
    }
    if step is not kernels.FASTEST:
        facts["why"] = kernels.why()
    if processor.has_amx() or "crashed" in facts.get("why", ""):
        facts["a better build"] = library.better_build()
    return facts


def _memory() -> dict[str, str]:
    free = available_bytes()
    return {"available": byte_size(free) if free is not None else "unknown on this system"}


def _paths() -> dict[str, str]:
    folders = {
        "models": locations.models_dir(),
        "data": locations.data_dir(),
        "cache": locations.cache_dir(),
        "config": locations.config_dir(),
        "log": locations.log_file(),
    }
    return {name: f"{path}{'' if _writable(path) else '  (not writable)'}" for name, path in folders.items()}


def _writable(path: Path) -> bool:
    """Whether the path, or the nearest folder above it that exists, can be written to."""
    existing = next(p for p in (path, *path.parents) if p.exists())
    return (existing == path or existing.is_dir()) and os.access(existing, os.W_OK)


def _models() -> dict[str, str]:
    from spectra_local.catalogue.on_disk import find_all

    return {model.name: f"{byte_size(model.n_bytes)}  {model.path}  ({model.where})" for model in find_all()}


def _sharing() -> dict[str, str]:
    from spectra_local.worker.meeting_point import NoSharingError, engines_folder

    try:
        return {"engines": f"programs with the same model and options share one, by a socket in {engines_folder()}"}
    except NoSharingError as error:
        return {"engines": f"not shared: {error}"}


def _decode(model: WantedModel, options: EngineOptions) -> dict[str, Any]:
    from spectra_local.catalogue import resolve
    from spectra_local.catalogue.naming import name_of

    # A missing model is a finding here, not a reason to ask.
    path = model_path(model) if model.yes else resolve(model.name)
    alone = replace(options, share=False)  # what is timed is loading and decoding, not waiting for a turn
    with closing(open_engine(WantedModel(str(path)), alone)) as engine:
        done = [e for e in engine.generate(Request(prompt=_PROMPT, max_tokens=_TOKENS)) if isinstance(e, Done)]
        info = engine.info
    timings, name = timings_json(done[-1].timings), name_of(info.path, info.name)
    return {
        "model": f"{name}, {info.architecture}, {info.quantisation}, {byte_size(path.stat().st_size)}",
        "template": info.template or "none",
        "context": f"{info.n_ctx} tokens",
        "device": info.device,
        "kernels": info.kernels,
        **_cost_of_a_pass(info),
        "load_ms": round(info.load_ms),
        "prompt_per_second": timings["prompt_per_second"],
        "predicted_per_second": timings["predicted_per_second"],
    }


def _cost_of_a_pass(info: ModelInfo) -> dict[str, str]:
    """The curve by which drafts are priced: what a pass over several tokens takes, in passes over one."""
    cost = info.decode_cost
    if not cost:
        return {"cost of a pass": "not measured: this model is decoded one token at a time"}
    shown = ", ".join(f"{width}: {cost[width - 1]:.2f}" for width in _SHOWN_WIDTHS if width <= len(cost))
    state = "trusted" if info.cost_trusted else "doubted: it is learned from the next answers"
    age = max(0.0, time.time() - info.cost_time)
    return {"cost of a pass": shown, "its age": f"{_age(age)}, {state}"}


def _age(seconds: float) -> str:
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return "less than a minute"


def _print(report: dict[str, Any]) -> None:
    for name, facts in report.items():
        click.secho(name, bold=True)
        for key, value in ({"": "see the problem below"} if facts is None else facts or {"": "none"}).items():
            click.echo(f"  {printable_line(key):22s} {printable_line(str(value))}")
