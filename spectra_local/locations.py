"""Every path the program uses. ``SPECTRA_HOME`` puts all of them below one folder (tests, portable installs)."""

import os
from pathlib import Path

import platformdirs

_APP = "spectra-chat"


def _base(kind: str, platform_dir: str) -> Path:
    home = os.environ.get("SPECTRA_HOME")
    return Path(home).expanduser() / kind if home else Path(platform_dir)


def config_dir() -> Path:
    """Settings that a user edits or accepts."""
    return _base("config", platformdirs.user_config_dir(_APP, appauthor=False))


def data_dir() -> Path:
    """What cannot be made again: chats, history, models."""
    return _base("data", platformdirs.user_data_dir(_APP, appauthor=False))


def cache_dir() -> Path:
    """What can be made again: indexes, measured costs."""
    return _base("cache", platformdirs.user_cache_dir(_APP, appauthor=False))


def models_dir() -> Path:
    """Models that this program fetched or was given."""
    return data_dir() / "models"


def log_file() -> Path:
    """The log: native messages and errors, never prompt text."""
    return _base("state", platformdirs.user_log_dir(_APP, appauthor=False)) / "spectra-chat.log"


def private_dir(path: Path) -> Path:
    """Makes the folder, readable by its owner alone (0700 under any umask)."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    return path
