"""What the settings let a command learn from; what is wrong with them is said once."""

from pathlib import Path

import click

from spectra_local.completion.learning import LearningRules
from spectra_local.settings import load_settings


def learning_rules() -> LearningRules:
    """The table ``completion`` of settings.toml."""
    settings, notices = load_settings()
    for notice in notices:
        click.echo(f"spectra-chat: {notice}", err=True)
    return settings.completion


def learns_from(path: Path | None) -> bool:
    """Whether the file at ``path`` may be learned from; None: a text that is no file."""
    return learning_rules().allow(path)
