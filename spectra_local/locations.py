"""Every path the program uses. ``SPECTRA_HOME`` puts all of them below one folder (tests, portable installs)."""

import contextlib
import os
from pathlib import Path

from spectra_local.errors import SpectraError

_APP = "spectra-chat"


class NoHomeError(SpectraError):
    """The system knows no home folder for this user: neither HOME nor an account names one."""

    def __init__(self) -> None:
        super().__init__(
            "this user has no home folder (HOME names none): set SPECTRA_HOME to a folder for models and chats"
        )


def _base(kind: str) -> Path:
    """``kind``: config, data, cache or log. Raises NoHomeError."""
    home = os.environ.get("SPECTRA_HOME")
    if home:
        if (given := expanded(Path(home))).parts[0].startswith("~"):
            raise NoHomeError
        return given / kind
    import platformdirs  # 9 ms that a set SPECTRA_HOME, and a command without files, need not pay

    if os.environ.get("HOME") == "":
        del os.environ["HOME"]  # else "/" would be it, and not what the account says
    try:
        folder: Path = getattr(platformdirs, f"user_{kind}_path")(_APP, appauthor=False)
    except RuntimeError as error:
        raise NoHomeError from error
    if not folder.is_absolute():  # of releases that let a "~" be
        raise NoHomeError
    return folder


def home_folders(*below: str) -> list[Path]:
    """These in the user's home folder; none where that is not known."""
    home = expanded(Path("~"))
    return [home / each for each in below] if home.is_absolute() else []


def expanded(path: Path) -> Path:
    """With ``~`` replaced; as it is where nobody knows whose home that is."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def config_dir() -> Path:
    """Settings that a user edits or accepts."""
    return _base("config")


def data_dir() -> Path:
    """What cannot be made again: chats, history, models."""
    return _base("data")


def cache_dir() -> Path:
    """What can be made again: indexes, measured costs."""
    return _base("cache")


def models_dir() -> Path:
    """Models that this program fetched or was given."""
    return data_dir() / "models"


def database_file() -> Path:
    """The one database: the turns that are learned from, and the chats. Alone in its folder with its copies."""
    return data_dir() / "store" / "spectra.sqlite"


def segments_dir() -> Path:
    """Index segments of the history; they can be made again from the database."""
    return cache_dir() / "history"


def unsaved_dir() -> Path:
    """Text typed into files in the editor, until it is saved or refused."""
    return data_dir() / "unsaved"


def log_file() -> Path:
    """The log: native messages and errors, never prompt text."""
    return _base("log") / "spectra-chat.log"


def runtime_dir() -> Path:
    """Sockets of the engines that run; of no use after them."""
    given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if "SPECTRA_HOME" not in os.environ and given.is_absolute() and _is_mine(given):
        return given / _APP
    return cache_dir() / "run"  # never /tmp, where others could have made it first


def _is_mine(folder: Path) -> bool:
    """False under ``sudo -E`` too, which would leave root's folder in a user's."""
    try:
        return folder.stat().st_uid == os.geteuid()
    except OSError:
        return False


def private_dir(path: Path) -> Path:
    """Makes the folder and what is missing above it, readable by their owner alone (0700 under any umask).

    Where the disk takes no modes they are as they are: who keeps something private in them says so.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(PermissionError):
            folder.chmod(0o700)
    return path
