"""From what was said of a model to a running engine, with what happens meanwhile shown on stderr."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from spectra_local.catalogue import NoModelError, resolve
from spectra_local.catalogue.offers import Choice
from spectra_local.catalogue.on_disk import notice_of
from spectra_local.cli.options import WantedModel
from spectra_local.cli.status import StatusLine
from spectra_local.errors import ModelNotFoundError, ModelTooLargeError
from spectra_local.printable import printable_line
from spectra_local.protocol import LOADING, EngineOptions
from spectra_local.worker import EngineProcess


def open_engine(model: WantedModel, options: EngineOptions, *, has_lines: bool = False) -> EngineProcess:
    """Resolves, lets a model be chosen and fetched where there is none, and loads. Raises SpectraError.

    ``has_lines``: EngineProcess's."""
    path = model_path(model)
    try:
        engine = _loaded(path, options, has_lines=has_lines)
    except ModelTooLargeError as error:
        from spectra_local.cli.choice import can_ask

        if not can_ask() or not click.confirm(f"{error}\nRun it from the disk now?", err=True):
            raise
        engine = _loaded(path, replace(options, from_disk=True), has_lines=has_lines)
    for notice in (engine.take_notice(), notice_of(path)):
        if notice:
            tell(notice)
    return engine


def _loaded(path: Path, options: EngineOptions, *, has_lines: bool) -> EngineProcess:
    engine = EngineProcess(path, options, has_lines=has_lines)
    try:
        with StatusLine(sys.stderr) as status:
            for progress in engine.load():
                is_loading = progress.doing == LOADING
                status.show(f"loading {path.name}  {progress.fraction:4.0%}" if is_loading else progress.doing)
    except BaseException:
        engine.close()
        raise
    return engine


def tell(notice: str) -> None:
    """A line on stderr."""
    click.echo(f"spectra-chat: {printable_line(notice)}", err=True)


def model_path(model: WantedModel) -> Path:
    """The model's file. Where there is none yet a person is asked which to take; ``--yes`` takes the first.

    Raises SpectraError: without a terminal and without ``--yes`` nothing is fetched.
    """
    try:
        return resolve(model.name)
    except NoModelError as error:
        from spectra_local.cli.choice import can_ask, choose

        if model.yes:
            return _taken(error.choices[0])
        if not can_ask():
            raise how_to_answer(error) from error
        choice = choose(_title(error), error.choices)
        path = _taken(choice)
        if choice.path is not None:
            _remember(choice)
        return path


def named_for_app(model: WantedModel) -> str | None:
    """What the app is to open, which asks by itself: only ``--yes`` fetches before its screen comes."""
    return str(model_path(model)) if model.yes else model.name


def how_to_answer(error: NoModelError) -> ModelNotFoundError:
    """The error as one line for those that nobody can be asked for: what to type."""
    first = error.choices[0]
    does = f"fetches {first.name}" if first.path is None else f"uses {printable_line(first.name)}"
    return ModelNotFoundError(f"{error}; the same command with --yes {does}")


def _taken(choice: Choice) -> Path:
    if choice.path is not None:
        click.echo(printable_line(f"using {choice.name}, which is on this disk: {choice.path}"), err=True)
        return choice.path
    from spectra_local.cli.fetching import fetch, settle_licence

    assert choice.entry is not None  # a choice is on the disk or in the catalogue
    settle_licence(choice.entry)
    return fetch(choice.entry)


def _title(error: NoModelError) -> str:
    if len(error.choices) == 1 and (entry := error.choices[0].entry):
        return f"{entry.name} is not on this disk yet. Fetch it?"
    return "Which model shall answer?"


def _remember(choice: Choice) -> None:
    """What another program fetched is not ours to prefer: it is the default from now on because the user said so."""
    from spectra_local.catalogue.default import name_for_option
    from spectra_local.settings import change_setting

    assert choice.path is not None
    change_setting(("model",), name_for_option(choice.path))
    click.echo("it is the default from now on; 'spectra-chat models default NAME' changes that", err=True)
