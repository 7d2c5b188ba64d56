"""Commands that need llama.cpp beside the engine run in a process of their own: a hostile model then ends that process
alone, and what is left of it is one line and an exit code.

Terminal, pipes and questions are the child's as they would be the command's. Knows no command.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from spectra_local.cli.lazy import arguments_of
from spectra_local.python_process import module_command
from spectra_local.worker.connection import EngineEndedError

is_here = False  # whether this is that process


def in_child(work: Callable[..., Any]) -> Callable[..., Any]:
    """Where this is the user's process, ``work`` is left to a child that is given the whole command line again; what
    the command found out before must be found out by the child too. Its exit code is returned."""

    @wraps(work)
    def started(*args: Any, **kwargs: Any) -> Any:
        if is_here:
            return work(*args, **kwargs)
        return _run(arguments_of(click.get_current_context()))

    return started


def _run(arguments: list[str]) -> int:
    """Raises EngineEndedError where a signal ended the child."""
    line, held = os.pipe()  # open for as long as we live, however we end
    try:
        child = subprocess.Popen(
            module_command("spectra_local.cli.native_child", str(line), *arguments), pass_fds=(line,)
        )
    finally:
        os.close(line)
    with contextlib.closing(os.fdopen(held, "wb")):
        code = _waited(child)
    if code < 0:
        ended_by = signal.Signals(-code)
        raise EngineEndedError(f"by signal {ended_by.name}", ended_by)
    return code


def _waited(child: "subprocess.Popen[bytes]") -> int:
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # of a terminal the child has heard too, and hears it once
            child.send_signal(signal.SIGINT)
