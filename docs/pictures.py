"""Makes docs/chat.svg from the running app, by the app's own screenshot export.

python docs/pictures.py            with the default model ('models default'), which must be on this disk
python docs/pictures.py --check    says whether the picture is what the app shows now, figures aside; exit 1 if not
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from spectra_local.catalogue import resolve
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions
from spectra_local.worker import EngineProcess
from tui.app import ChatApp
from tui.screens.chat import ChatScreen
from tui.state import Phase

PICTURE = Path(__file__).with_name("chat.svg")
SIZE = (92, 26)
QUESTION = "How do I reverse a string in Python?"
PATIENCE_S = 300.0


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check: bool = parser.parse_args().check
    try:
        path = resolve(None)
    except SpectraError as error:
        print(f"no picture without a model: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as home:  # of the user's own chats none is to be seen
        os.environ["SPECTRA_HOME"] = home
        picture = asyncio.run(_picture(path))
    if not check:
        PICTURE.write_text(picture, encoding="utf-8")
        return 0
    if PICTURE.exists() and _without_figures(PICTURE.read_text(encoding="utf-8")) == _without_figures(picture):
        return 0
    print(f"{PICTURE} is out of date: python docs/pictures.py makes it anew", file=sys.stderr)
    return 1


async def _picture(path: Path) -> str:
    app = ChatApp(lambda: EngineProcess(path, EngineOptions()))
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, ChatScreen)
        await _until(lambda: screen.state.model.phase is Phase.IDLE)
        await pilot.press(*QUESTION, "enter")
        await _until(lambda: bool(screen.state.chat.turns) and screen.state.chat.open_answer() is None)
        await pilot.pause()
        return app.export_screenshot(title="spectra-chat")


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.1)


def _without_figures(picture: str) -> str:
    """Speeds differ from run to run, and so do the ids that Rich makes up."""
    return re.sub(r"\d[\d,.]*", "0", re.sub(r"terminal-\d+", "terminal", picture))


if __name__ == "__main__":
    sys.exit(main())
