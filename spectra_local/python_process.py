"""How this program starts Python again. In one place: no child may import from the folder that it is started in, where
a "tui.py" or a "numpy.py" may lie.
"""

import sys
from pathlib import Path

_SAFE_PATH = "-P"


def module_command(module: str, *arguments: str) -> list[str]:
    """Runs a module of ours, or of the installation's, as ``python -m`` does."""
    return [sys.executable, _SAFE_PATH, "-m", module, *arguments]


def code_command(code: str, *arguments: str) -> list[str]:
    """Runs a text, as ``python -c`` does."""
    return [sys.executable, _SAFE_PATH, "-c", code, *arguments]


def isolated_command(program: Path) -> list[str]:
    """Runs a file that needs nothing of ours, and gets nothing of the user's: no variables, no packages of theirs."""
    return [sys.executable, "-I", str(program)]
