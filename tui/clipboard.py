"""The clipboard beyond OSC 52, which some terminals refuse and none confirms. Knows nothing of screens.

The desktop's own tool is used where its display is there; tmux forwards to the terminal it runs in.
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress

_PATIENCE_S = 2.0  # a clipboard tool without its display may hang

# Tool with its arguments, and the variable without which it cannot work.
_TOOLS = (
    (("wl-copy",), "WAYLAND_DISPLAY"),
    (("xclip", "-selection", "clipboard"), "DISPLAY"),
    (("xsel", "--clipboard", "--input"), "DISPLAY"),
    (("clip.exe",), "WSL_DISTRO_NAME"),
    (("termux-clipboard-set",), "TERMUX_VERSION"),
    (("tmux", "load-buffer", "-w", "-"), "TMUX"),
)


def tool() -> tuple[str, ...]:
    """The command that takes a text for the clipboard; () where there is none."""
    if sys.platform == "darwin" and shutil.which("pbcopy"):
        return ("pbcopy",)
    found = (command for command, needed in _TOOLS if os.environ.get(needed) and shutil.which(command[0]))
    return next(found, ())


def copy(text: str, command: tuple[str, ...]) -> bool:
    """Hands ``text`` to the command. False where that failed."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,  # xclip stays behind with what it inherits
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=False,
        )
        return done.returncode == 0
    return False
