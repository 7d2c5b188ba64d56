"""From the command line to the app and back to an exit code. Imports Textual only once it is sure to be needed."""

import gc
from collections.abc import Callable

from spectra_local.protocol import Assistant, EngineOptions
from tui import typed_ahead
from tui.session import OpenAssistant
from tui.terminal import ExitSignals, require_terminal


def open_chat(model: str | None, options: EngineOptions, file: str = "", line: int = 1) -> int:
    """Opens the chat with ``model`` (None: the default), or a file in the editor, and returns the exit code.

    Raises SpectraError.
    """
    if file:
        require_terminal("the editor", "'spectra-chat edit' with an instruction")
    else:
        require_terminal()
    if model is not None:
        _check_named(model)
    if file:
        _check_file(file)
    return run_chat(lambda: _open_assistant(model, options), lambda name: _open_assistant(name, options), file, line)


def run_chat(
    open_assistant: OpenAssistant,
    open_named: Callable[[str], Assistant] | None = None,
    file: str = "",
    line: int = 1,
) -> int:
    """Runs the app on the assistant that ``open_assistant`` makes, in a thread, once the first frame is out."""
    gc.disable()  # collections among half a million fresh objects are a tenth of the time to the first frame
    from tui.app import ChatApp

    app = ChatApp(open_assistant, open_named, file, line, typed=typed_ahead.text(), modes=typed_ahead.modes())
    with ExitSignals(app.leave) as signals:
        app.run()
    if app.defect is not None:
        raise app.defect  # the command line logs it and says a line
    return signals.exit_code if signals.exit_code is not None else app.return_code or 0


def _check_named(model: str) -> None:
    """A name that nobody knows ends here, before the screen changes; one that can be fetched is offered in the app."""
    from spectra_local.catalogue import ModelNotPulledError, resolve

    try:
        resolve(model)
    except ModelNotPulledError:
        return


def _check_file(name: str) -> None:
    """What is no text ends here, before the screen changes."""
    from tui.editing.edited_file import EditedFile

    EditedFile(name)


def _open_assistant(model: str | None, options: EngineOptions) -> Assistant:
    from spectra_local.catalogue import resolve
    from spectra_local.worker import EngineProcess

    return EngineProcess(resolve(model), options)
