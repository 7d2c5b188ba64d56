"""A text in the user's own editor: $VISUAL, $EDITOR, else vi. Knows nothing of screens; the terminal must be free."""

import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path
from types import FrameType

from spectra_local.errors import SpectraError


def edited(text: str) -> str:
    """``text`` after the editor has ended, without the line end that editors add. Raises SpectraError."""
    name = next((n for n in ("VISUAL", "EDITOR") if os.environ.get(n, "").strip()), "")
    try:
        command = shlex.split(os.environ[name]) if name else ["vi"]
    except ValueError as error:
        raise SpectraError(f"${name} makes no sense ({error}): set it to the editor's command") from error
    try:
        handle, path = tempfile.mkstemp(prefix="spectra-chat-", suffix=".md")  # mode 0600
    except OSError as error:
        raise SpectraError(f"no room for a temporary file: {error.strerror}") from error
    file = Path(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as out:
            out.write(text)
        _run(command, file, name)
        return file.read_text("utf-8", errors="replace").removesuffix("\n")
    except OSError as error:
        raise SpectraError(f"the text could not be handed to the editor: {error.strerror}") from error
    finally:
        file.unlink(missing_ok=True)


def _run(command: list[str], file: Path, name: str) -> None:
    # ctrl+c in the editor is the editor's. A handler rather than SIG_IGN, which the editor would inherit.
    def ours(_number: int, _frame: FrameType | None) -> None:
        return

    before = signal.signal(signal.SIGINT, ours)
    try:
        code = subprocess.run([*command, str(file)], check=False).returncode
    except OSError as error:
        set_it = f"${name} names it" if name else "set $EDITOR to yours"
        raise SpectraError(f"the editor '{command[0]}' does not start ({error.strerror}): {set_it}") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise SpectraError(f"the editor '{command[0]}' ended with code {code}: the text stays as it was")
