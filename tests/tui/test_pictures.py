"""Every screen at three sizes in both themes, cell by cell.

``UPDATE_PICTURES=1 pytest tests/tui/test_pictures.py`` makes the pictures anew; look at the change before it
is committed (``SVG_PICTURES=folder`` writes what it looks like).
"""

import os
from pathlib import Path

import pytest
from fakes.picture import characters, settled, styles
from fakes.scenes import scenes
from textual.widgets import Input

from tui import themes

PICTURES = Path(__file__).with_name("pictures")
SIZES = ((40, 10), (80, 24), (200, 60))
THEMES = (themes.DARK.name, themes.LIGHT.name)


@pytest.mark.parametrize("name", scenes())
async def test_the_screen_looks_as_in_its_pictures(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for variable in ("COLORFGBG", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _: None)  # it blinks
    scene, wrong = scenes()[name], []
    app = scene.app(monkeypatch)
    async with app.run_test(size=SIZES[-1]) as pilot:
        await scene.play(pilot)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await settled(pilot)
            parts = [characters(app)]
            for theme in THEMES:
                app.theme = theme
                await settled(pilot)
                parts.append(f"── {theme}\n{styles(app)}")
                if folder := os.environ.get("SVG_PICTURES"):
                    Path(folder, f"{name}-{width}x{height}-{theme}.svg").write_text(app.export_screenshot())
            if not _same(PICTURES / f"{name}-{width}x{height}.txt", "\n".join(parts) + "\n"):
                wrong.append(f"{width}x{height}\n{parts[0]}")
    assert not wrong, f"{name} looks different:\n" + "\n\n".join(wrong)


def _same(path: Path, picture: str) -> bool:
    if os.environ.get("UPDATE_PICTURES"):
        path.write_text(picture, "utf-8")
    return path.is_file() and path.read_text("utf-8") == picture
