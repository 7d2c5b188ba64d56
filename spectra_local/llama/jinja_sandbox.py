"""Renders a model file's own chat template in a process of its own that may not do anything else.

Knows Jinja texts and conversations, not models. A template from a file is a program by a stranger.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spectra_local.errors import TemplateError
from spectra_local.printable import printable_line
from spectra_local.protocol import Message
from spectra_local.python_process import isolated_command

# The process limits its own CPU time to a few seconds. This is for one that never gets that far; a busy machine may
# take long to give it those seconds, and that is not the template's fault.
BACKSTOP_SECONDS = 60.0
PROGRAM = Path(__file__).with_name("jinja_process.py")
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")  # what Python needs to start, and the date


def render(
    template: str, conversations: Sequence[Sequence[Message]], tokens: Mapping[str, str], now: float | None = None
) -> list[str | TemplateError]:
    """Each conversation as the Jinja ``template`` writes it, with a generation prompt at its end.

    ``tokens`` are further variables ("bos_token", ...), ``now`` the seconds since 1970 that it sees. A conversation
    that the template refuses is a TemplateError in its place. Raises TemplateError where the template is unusable.
    """
    request = {
        "template": template,
        "conversations": [[{"role": each.role, "content": each.content} for each in turn] for turn in conversations],
        "tokens": dict(tokens),
        "now": time.time() if now is None else now,
    }
    answer = _run(json.dumps(request).encode())
    if "error" in answer:
        raise _error(answer["error"])
    return [each["text"] if "text" in each else _error(each["error"]) for each in answer["results"]]


def _run(request: bytes) -> dict[str, Any]:
    try:
        process = subprocess.run(
            isolated_command(PROGRAM),
            input=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            start_new_session=True,  # ctrl+c in the terminal is for us
            timeout=BACKSTOP_SECONDS,
            check=False,
        )
        answer = json.loads(process.stdout)
    except subprocess.TimeoutExpired:
        raise _error(f"it took longer than {BACKSTOP_SECONDS:g} seconds") from None
    except OSError as error:
        raise _error(f"its process could not be started: {error.strerror or error}") from None
    except ValueError:  # killed by a limit before it could answer
        if process.returncode == -signal.SIGXCPU:
            raise _error("it computes without end") from None
        raise _error("its process ended without an answer") from None
    if not isinstance(answer, dict):
        raise _error("its process ended without an answer")
    return answer


def _error(reason: str) -> TemplateError:
    return TemplateError(f"the model's own chat template failed: {printable_line(reason)}")
