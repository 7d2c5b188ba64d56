"""The clipboard beyond OSC 52, which some terminals refuse and none confirms. Knows nothing of screens.

The desktop's own tool is used where its display is there; tmux forwards to the terminal it runs in.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from spectra_local.locations import runtime_dir
from spectra_local.private_file import write_private

PATIENCE_S = 2.0  # a clipboard tool without its display may hang

# Tool with its arguments, and the variable without which it cannot work.
_TOOLS = (
    (("wl-copy",), "WAYLAND_DISPLAY"),
    (("xclip", "-selection", "clipboard"), "DISPLAY"),
    (("xsel", "--clipboard", "--input"), "DISPLAY"),
    (("clip.exe",), "WSL_DISTRO_NAME"),
    (("termux-clipboard-set",), "TERMUX_VERSION"),
    (("tmux", "load-buffer", "-w", "-"), "TMUX"),
)

Command = tuple[str, ...]


def tools() -> list[Command]:
    """The commands that take a text for the clipboard here, the likeliest first."""
    found: list[Command] = [("pbcopy",)] if sys.platform == "darwin" and shutil.which("pbcopy") else []
    return found + [command for command, needed in _TOOLS if os.environ.get(needed) and shutil.which(command[0])]


def copy(text: str, command: Command) -> bool:
    """Hands ``text`` to the command. False where that failed, or took longer than two seconds."""
    with suppress(OSError):
        tool = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # xclip stays behind with what it inherits
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            tool.communicate(text.encode("utf-8", "replace"), timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            _end(tool)
        return tool.returncode == 0
    return False


def _end(tool: subprocess.Popen[bytes]) -> None:
    """With what it has started."""
    with suppress(OSError):
        if sys.platform == "win32":
            tool.kill()
        else:
            os.killpg(tool.pid, signal.SIGKILL)
    tool.wait()


def keep(text: str) -> Path:
    """Writes the text where its owner alone can read it, until the next one comes. Raises OSError."""
    path = runtime_dir() / "copied.txt"
    write_private(path, text.encode("utf-8", "replace"))
    return path
