"""``spectra-chat bench``: plain decoding, SPECTRA and rivals, live on this machine or replayed from recorded runs."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spectra_local.cli.native_command import in_child
from spectra_local.cli.options import WantedModel, engine_options
from spectra_local.cli.status import StatusLine
from spectra_local.errors import UsageError
from spectra_local.protocol import EngineOptions

if TYPE_CHECKING:
    from spectra_local.bench.replay import Run
    from spectra_local.speculation.cost import CostCurve

_MOST_PASSES = 20
_FILE = click.Path(path_type=Path)


def _live_options(command: Callable[..., Any]) -> Callable[..., Any]:
    @click.option(
        "--prompts",
        type=_FILE,
        multiple=True,
        metavar="FILE",
        help="JSON lines; may be repeated.  [default: a small set of our own]",
    )
    @click.option("--per-task", type=click.IntRange(1), metavar="N", help="Most prompts of a task.")
    @click.option(
        "-n",
        "--max-tokens",
        type=click.IntRange(2),
        default=128,
        show_default=True,
        metavar="N",
        help="Tokens to generate.",
    )
    @click.option("--repeat-pass", is_flag=True, help="Ask every prompt a second time.")
    @click.option("--llama-server", type=_FILE, metavar="PATH", help="Measure this llama-server's own speculation too.")
    @click.option("--spec-types", default="all", metavar="A,B", help="Which of its --spec-type, all or none.")
    @click.option("--plot", type=_FILE, metavar="FILE.svg", help="Draw the ratios to plain decoding.")
    @wraps(command)
    def with_options(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    return with_options


def _replay_options(command: Callable[..., Any]) -> Callable[..., Any]:
    @click.option("--replay", type=_FILE, metavar="TRACE", help="Replay recorded runs (.jsonl.gz) without a model.")
    @click.option("--curves", type=_FILE, metavar="FILE", help="Cost curves for --replay (JSON).")
    @click.option("--curve", metavar="NAME", help="Which of them.")
    @click.option(
        "--passes", type=click.IntRange(1, _MOST_PASSES), metavar="N", help="Passes over the trace.  [default: 2]"
    )
    @click.option("--corpus", metavar="NAME", help="With --replay: compare this corpus, filtered and not, with none.")
    @wraps(command)
    def with_options(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    return with_options


@click.command()
@engine_options
@_live_options
@_replay_options
@click.option(
    "--history",
    type=click.Choice(["empty", "grow"]),
    default="empty",
    show_default=True,
    help="Whether the first pass learns from its own earlier answers; a second one knows them all. With --replay, grow "
    "also compares a store that grows request by request with none.",
)
@click.option(
    "--rivals", default="none", show_default=True, metavar="A,B", help="Other methods to measure, all or none."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(
    model: WantedModel,
    options: EngineOptions,
    rivals: str,
    history: str,
    as_json: bool,
    replay: Path | None,
    curves: Path | None,
    curve: str | None,
    passes: int | None,
    corpus: str | None,
    **live: Any,
) -> int:
    """Measure plain decoding, SPECTRA and rivals.

    \b
    spectra-chat bench -m smollm2 --rivals all --plot bench.svg
    spectra-chat bench --replay runs.jsonl.gz --curves curves.json --curve gpu
    """
    from spectra_local.bench.methods import chosen
    from spectra_local.speculation.rivals import RIVALS

    asked = chosen(rivals, RIVALS, "rival")
    growing = history == "grow"
    if replay is not None:
        if curves is None or curve is None:
            raise UsageError("--replay needs --curves FILE and --curve NAME: what decodes cost")
        _refuse_live_options("model" if corpus else "")
        if corpus is not None:
            return int(_replay_corpus(replay, curves, curve, corpus, model, as_json))
        return _replay(replay, curves, curve, passes or 2, asked, growing, as_json)
    if curves is not None or curve is not None or passes is not None or corpus is not None:
        raise UsageError("--curves, --curve, --passes and --corpus belong to --replay")
    return int(_measure_live(model, options, asked, growing, as_json, **live))


@in_child
def _measure_live(*args: Any, **live: Any) -> int:
    from spectra_local.cli.bench_live import measure_live  # numpy and llama.cpp, which a replay does without

    return measure_live(*args, **live)


@in_child
def _replay_corpus(*args: Any) -> int:
    from spectra_local.cli.bench_corpus import replay_corpus  # llama.cpp, for the model's tokenizer

    return replay_corpus(*args)


_LIVE_ONLY = ("prompts", "per_task", "max_tokens", "repeat_pass", "llama_server", "spec_types", "plot", "model", "ctx")


def _refuse_live_options(allowed: str) -> None:
    context = click.get_current_context()
    for parameter in context.command.params:
        if (
            parameter.name in _LIVE_ONLY
            and parameter.name != allowed
            and context.get_parameter_source(parameter.name) != click.core.ParameterSource.DEFAULT
        ):
            raise UsageError(f"{parameter.opts[-1]} does not go with --replay")


def _replay(
    trace: Path, curves: Path, curve: str, n_passes: int, rivals: list[str], growing: bool, as_json: bool
) -> int:
    from spectra_local.bench.methods import SPECTRA
    from spectra_local.bench.replay_contest import load_curve, load_trace, replay_passes
    from spectra_local.bench.tables import replay_table

    cost, runs = load_curve(curves, curve), load_trace(trace)
    with StatusLine(sys.stderr) as status:
        total = n_passes * len(runs)
        results, clocks = replay_passes(
            runs,
            cost,
            [SPECTRA, *rivals],
            n_passes,
            growing=growing,
            on_progress=lambda method, done: status.show(f"replaying  {method}  {done} of {total}"),
        )
        growth = _growth(runs, cost, status) if growing else None
    if as_json:
        click.echo(json.dumps({"curve": curve, "passes": results} | ({"growth": growth} if growth else {})))
    else:
        click.echo(replay_table(curve, results, clocks))
        if growth:
            from spectra_local.bench.growth import growth_table

            click.echo("\n" + growth_table(curve, growth))
    return 0


def _growth(runs: Sequence["Run"], cost: "CostCurve", status: StatusLine) -> dict[str, Any]:
    from spectra_local.bench.growth import replay_growth  # numpy and SQLite, which other replays do without

    return replay_growth(
        runs, cost, lambda what, done: status.show(f"replaying  history: {what}  {done} of {len(runs)}")
    )
