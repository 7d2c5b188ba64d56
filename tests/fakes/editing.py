"""The editor open on a file, with a scripted model."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fakes.chatting import ready
from fakes.pilot import wait_until
from fakes.scripted import INFO, ScriptedAssistant
from textual.pilot import Pilot

from spectra_local.protocol import ModelInfo
from tui.app import ChatApp
from tui.screens.editor import EditorScreen

FILLS_IN = replace(INFO, fill_in="qwen")


@asynccontextmanager
async def editing(
    path: Path, *scripts: Sequence[object], size: tuple[int, int] = (80, 24), info: ModelInfo = FILLS_IN
) -> AsyncIterator[tuple[Pilot[None], EditorScreen, ScriptedAssistant]]:
    assistant = ScriptedAssistant(*scripts, info=info)  # type: ignore[arg-type]
    app = ChatApp(lambda: assistant, file=str(path))
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen))
        screen = pilot.app.screen
        assert isinstance(screen, EditorScreen)
        await wait_until(pilot, lambda: screen.area.has_focus)
        yield pilot, screen, assistant


def file_of(tmp_path: Path, text: str = "def add(a, b):\n    \n\nprint(add(1, 2))\n") -> Path:
    path = tmp_path / "add.py"
    path.write_text(text)
    return path
