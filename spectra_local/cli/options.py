"""Options that several commands share, declared once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import click

from spectra_local.cli.defaults import ENGINE_OPTIONS
from spectra_local.protocol import Sampling


def _model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For shell completion: names in the catalogue and on this disk."""
    from spectra_local.catalogue.lookup import known_names

    return sorted(name for name in known_names() if name.lower().startswith(incomplete.lower()))


@dataclass(frozen=True, slots=True)
class WantedModel:
    """The model that a command is to use: ``name`` or path (None: the default), and whether to fetch it unasked."""

    name: str | None = None
    yes: bool = False


def given_options(context: click.Context) -> list[str]:
    """The options of its command that were typed, by their long names."""
    typed = click.core.ParameterSource.COMMANDLINE
    return [name for name, key in option_names(context.command).items() if context.get_parameter_source(key) == typed]


def option_names(command: click.Command) -> dict[str, str]:
    """A command's options: their long names, and what click keeps them by."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    return {max(each.opts, key=len): each.name or "" for each in options}


def model_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``-m/--model`` and ``--yes``, passed on together as ``model: WantedModel``."""

    @click.option(
        "-m", "--model", metavar="NAME|PATH", shell_complete=_model_names, help="Model to use (see 'models list')."
    )
    @click.option("--yes", is_flag=True, help="Fetch the model without asking if it is not on this disk.")
    @wraps(command)
    def with_model(*args: Any, model: str | None, yes: bool, **kwargs: Any) -> Any:
        return command(*args, model=WantedModel(model, yes), **kwargs)

    return with_model


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds -m and what decides how a model is loaded, passed on as ``options: EngineOptions``."""

    @model_option
    @click.option("--ctx", type=int, metavar="N", help="Most tokens of context.  [default: the model's own]")
    @click.option("--threads", type=int, metavar="N", help="CPU threads.  [default: physical cores]")
    @click.option(
        "--gpu-layers",
        type=click.IntRange(min=-1),
        default=ENGINE_OPTIONS.n_gpu_layers,
        metavar="N",
        help="Layers on the GPU; -1: all.",
    )
    @click.option("--template", metavar="NAME", help="Chat template.  [default: found from the model]")
    @click.option("--exact", is_flag=True, help="Byte-identical to plain decoding; CPU only, about a third slower.")
    @click.option("--from-disk", is_flag=True, help="Run a model larger than the free memory too, slowly.")
    @click.option("--own-engine", is_flag=True, help="Load the model even if another program here has it loaded.")
    @wraps(command)
    def with_options(
        *args: Any,
        ctx: int | None,
        threads: int | None,
        gpu_layers: int,
        template: str | None,
        exact: bool,
        from_disk: bool,
        own_engine: bool,
        **kwargs: Any,
    ) -> Any:
        share = ENGINE_OPTIONS.share and not own_engine
        options = replace(
            ENGINE_OPTIONS,
            n_ctx=ctx,
            n_threads=threads,
            n_gpu_layers=gpu_layers,
            template=template,
            exact=exact,
            from_disk=from_disk,
            share=share,
        )
        return command(*args, options=options, **kwargs)

    return with_options


def sampling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what decides how tokens are drawn, passed on as ``sampling: Sampling``."""
    default = Sampling()

    @click.option("--temperature", type=float, default=default.temperature, metavar="T", help="0 is greedy.")
    @click.option("--top-k", type=int, default=default.top_k, metavar="K", help="Keep the K likeliest; 0: off.")
    @click.option("--top-p", type=float, default=default.top_p, metavar="P", help="Keep this much probability.")
    @click.option(
        "--min-p", type=float, default=default.min_p, metavar="P", help="Drop what is less than P of the best."
    )
    @click.option("--repeat-penalty", type=float, default=default.repeat_penalty, metavar="X", help="1: off.")
    @click.option(
        "--dry-multiplier",
        type=float,
        default=default.dry_multiplier,
        show_default=True,
        metavar="X",
        help="Ends loops; 0: off.",
    )
    @click.option("--seed", type=int, metavar="N", help="Same seed, same draws; see README.  [default: random]")
    @wraps(command)
    def with_sampling(
        *args: Any,
        temperature: float,
        top_k: int,
        top_p: float,
        min_p: float,
        repeat_penalty: float,
        dry_multiplier: float,
        seed: int | None,
        **kwargs: Any,
    ) -> Any:
        sampling = Sampling(
            temperature, top_k, top_p, min_p, repeat_penalty=repeat_penalty, seed=seed, dry_multiplier=dry_multiplier
        )
        return command(*args, sampling=sampling, **kwargs)

    return with_sampling
