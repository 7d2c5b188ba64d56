"""The ``spectra-chat`` command: the command line, with the terminal app handed in from above."""

import os
import sys
from typing import TYPE_CHECKING

from tui import typed_ahead

if TYPE_CHECKING:
    from spectra_local.protocol import EngineOptions

_COMPLETION = "_SPECTRA_CHAT_COMPLETE"  # set by a shell that wants to know what could be typed; then nothing is opened


def open_chat(model: str | None, options: "EngineOptions", file: str = "", line: int = 1) -> int:
    """Opens the chat, or a file in the editor; imported here, so that other commands need not load textual."""
    typed_ahead.begin()
    try:
        from tui import launch

        return launch.open_chat(model, options, file, line)
    finally:
        typed_ahead.end()


def main() -> None:
    """Runs ``spectra-chat``."""
    try:
        _run()
    finally:
        typed_ahead.end()


def _run() -> None:
    is_chat = not sys.argv[1:] and _COMPLETION not in os.environ
    if is_chat:  # no command that asks something can follow: the terminal is the app's from now on
        typed_ahead.begin()
    if all(argument.startswith("-") for argument in sys.argv[1:2]):  # no subcommand: this will be the chat
        from tui import start_cache

        start_cache.begin()  # imports from here on are what it shortens
    if not is_chat:
        from spectra_local.cli.main import run

        run(open_chat)
    from spectra_local.cli.defaults import ENGINE_OPTIONS
    from spectra_local.cli.outcome import outcome

    sys.exit(outcome(lambda: open_chat(None, ENGINE_OPTIONS)))


if __name__ == "__main__":
    main()
