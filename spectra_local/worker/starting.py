"""Joins a running engine where there is one for the same model and options; else starts one in a child process."""

import os
import subprocess
from pathlib import Path

from spectra_local.errors import WorkerError
from spectra_local.llama import kernels
from spectra_local.llama.kernels import Kernels
from spectra_local.logged import log_descriptor
from spectra_local.protocol import EngineOptions
from spectra_local.python_process import module_command
from spectra_local.worker.connection import ChildConnection, Connection, Runs
from spectra_local.worker.last_words import LastWords
from spectra_local.worker.meeting_point import MeetingPoint


def connect_or_start(
    path: Path,
    options: EngineOptions,
    point: MeetingPoint | None,
    step: Kernels,
    ended: str = "",
    *,
    join: bool = True,
) -> Connection:
    """A line to an engine that has the model or is loading it; what it says next is its progress, then ModelInfo.

    ``point``: where such an engine is met; None: nowhere. ``step``: the kernels of one that is started. ``ended``: how
    an engine that it takes the place of ended, for the log. ``join`` False: the one that is met there sends away
    whoever comes, and another takes its place. Raises WorkerError.
    """
    if point is None:
        return _started(path, options, None, step, ended)
    with point.alone() as is_alone:
        if not is_alone:  # somebody who is about to start one hangs
            return _started(path, options, None, step, ended)
        return (point.joined() if join else None) or _started(path, options, point.socket, step, ended)


def _started(path: Path, options: EngineOptions, socket: Path | None, step: Kernels, ended: str) -> Connection:
    """A child, which listens at ``socket`` by the time this returns. Raises WorkerError."""
    last_words = _last_words()
    connection = ChildConnection(_start_child(step, last_words), Runs(path, step), last_words)
    try:
        place = str(socket) if socket else None
        descriptor = last_words.descriptor if last_words else None
        connection.send(
            {"path": str(path), "options": options, "socket": place, "ended": ended, "last_words": descriptor}
        )
        next(connection.receive())  # it has bound the socket: who looks for an engine finds it
    except BaseException:
        connection.close()
        raise
    return connection


def _last_words() -> LastWords | None:
    try:
        return LastWords()
    except OSError:
        return None


def _start_child(step: Kernels, last_words: LastWords | None) -> subprocess.Popen[bytes]:
    log = log_descriptor()
    try:
        return subprocess.Popen(
            module_command("spectra_local.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {kernels.VARIABLE: step.name},
            pass_fds=(last_words.descriptor,) if last_words else (),
            start_new_session=True,  # ctrl+c in the terminal is the parent's to understand
        )
    except OSError as error:
        raise WorkerError(f"no process could be started for the model: {error.strerror}") from error
    finally:
        os.close(log)
